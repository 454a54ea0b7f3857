"""The file in the root of the volume that holds the marker."""

from __future__ import annotations

import json
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import StorageError, VolumeError
from guestagent.strict_json import UnreadableContent, parse_object
from guestagent.volume.marker import Marker, parse_marker

MARKER_FILE = "guestagent-volume.json"
VERSION = 1


def read_marker(root: Path) -> Marker | None:
    """Read the marker, None if there is none. Raise VolumeError if it cannot be read."""
    path = root / MARKER_FILE
    try:
        content = atomic_file.read_file(path)
        return None if content is None else parse_marker(parse_object(content, VERSION))
    except (StorageError, UnreadableContent) as error:
        raise VolumeError(
            f"the marker {MARKER_FILE} of the volume cannot be read ({error})",
            "put it back from a backup; without it nothing shows whose data these are",
        ) from error


def write_marker(root: Path, marker: Marker) -> None:
    """Write the marker. It is on the disk when this returns; StorageError if that is not possible."""
    content = {"version": VERSION, **marker.as_json()}
    atomic_file.write_file(root / MARKER_FILE, json.dumps(content).encode())
