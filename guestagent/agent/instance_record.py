"""The agent's record of the instance that this disk belongs to, in instance.json.

cloud-init's own `previous-instance-id` cannot serve: it equals the present id before the agent runs.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.instance_identity import InstanceRecord
from guestagent.strict_json import UnreadableContent, get_text, parse_object
from guestagent.unreadable_file import parse_file, quarantine_file

VERSION = 1
RECORD_FILE = "instance.json"


def write_record(state_folder: Path, record: InstanceRecord) -> None:
    """Write the record. It is on the disk when this returns; StorageError if that is not possible."""
    content = {"version": VERSION, **asdict(record)}
    atomic_file.write_file(state_folder / RECORD_FILE, json.dumps(content).encode())


def read_record(state_folder: Path) -> InstanceRecord | None:
    """Return the record; None if there is none, or an unreadable one."""
    try:
        return parse_file(state_folder / RECORD_FILE, _parse_record)
    except UnreadableContent:
        return None


def quarantine_unreadable_record(state_folder: Path) -> None:
    """Rename an unreadable record before it is replaced. Raises StorageError if that is not possible."""
    path = state_folder / RECORD_FILE
    try:
        parse_file(path, _parse_record)
    except UnreadableContent as error:
        quarantine_file(path, str(error))


def _parse_record(content: bytes) -> InstanceRecord:
    data = parse_object(content, VERSION)
    record = InstanceRecord(
        *(get_text(data, name) for name in ("instance_id", "ec2_id", "origin", "copied_at"))
    )
    if not record.instance_id:
        raise UnreadableContent("without an instance id")
    return record
