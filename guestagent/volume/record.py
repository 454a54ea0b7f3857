"""The record of the node's volume on the root disk: what was declared, and a format that has begun."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import InvalidMetadata
from guestagent.metadata.server_metadata import (
    VolumeDeclaration,
    format_volume_declaration,
    parse_volume_declaration,
)
from guestagent.strict_json import UnreadableContent, get_text, parse_object
from guestagent.unreadable_file import parse_file

RECORD_FILE = "volume.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class VolumeRecord:
    """The declaration that the instance has had, for a boot at which cloud-init does not know it.

    `is_formatting`: the volume was proved blank, and its format has begun. Nothing is stored on it yet.
    """

    instance_id: str
    declaration: VolumeDeclaration
    is_formatting: bool = False


def read_record(state_folder: Path) -> VolumeRecord | None:
    """Read the record, None if there is none. Raises UnreadableContent, or StorageError."""
    return parse_file(state_folder / RECORD_FILE, _parse)


def write_record(state_folder: Path, record: VolumeRecord) -> None:
    """Write the record. It is on the disk when this returns; StorageError if that is not possible."""
    content = {
        "version": VERSION,
        "instance_id": record.instance_id,
        "declaration": format_volume_declaration(record.declaration),
        "is_formatting": record.is_formatting,
    }
    atomic_file.write_file(state_folder / RECORD_FILE, json.dumps(content).encode())


def _parse(content: bytes) -> VolumeRecord:
    data = parse_object(content, VERSION)
    is_formatting = data.get("is_formatting")
    if not isinstance(is_formatting, bool):
        raise UnreadableContent("is_formatting is not a boolean")
    try:
        declaration = parse_volume_declaration(get_text(data, "declaration"))
    except InvalidMetadata as error:
        raise UnreadableContent("declaration is not one of a volume") from error
    return VolumeRecord(get_text(data, "instance_id"), declaration, is_formatting)
