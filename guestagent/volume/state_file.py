"""The file of the run folder that holds the state of the volume."""

from __future__ import annotations

import json
from pathlib import Path

from guestagent import atomic_file
from guestagent.strict_json import parse_object
from guestagent.unreadable_file import parse_file
from guestagent.volume.state import VolumeState, parse_volume_state

STATE_FILE = "state.json"
VERSION = 1


def read_volume_state(run_folder: Path) -> VolumeState | None:
    """Read the state; None if the unit has not run since the boot. Raises UnreadableContent, or StorageError."""
    return parse_file(run_folder / STATE_FILE, _parse)


def write_volume_state(run_folder: Path, state: VolumeState) -> None:
    """Write the state. It is about this boot, so it need not survive a power cut. Raises StorageError."""
    content = {"version": VERSION, **state.as_json()}
    atomic_file.write_unsynced(run_folder / STATE_FILE, json.dumps(content).encode())


def _parse(content: bytes) -> VolumeState:
    return parse_volume_state(parse_object(content, VERSION))
