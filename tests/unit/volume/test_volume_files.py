"""The files of a volume, whatever they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.errors import VolumeError
from guestagent.strict_json import UnreadableContent
from guestagent.volume.marker_file import MARKER_FILE, read_marker
from guestagent.volume.record import RECORD_FILE, read_record
from guestagent.volume.state_file import STATE_FILE, read_volume_state

GARBAGE = [
    b"",
    b"\x00" * 100,
    b"{",
    b"[]",
    b"{}",
    b'{"version": 2}',
    b'{"version": 1}',
    json.dumps({"version": 1, "volume_id": 3, "cluster": "", "node": "", "has_data": True}).encode(),
    json.dumps({"version": 1, "volume_id": "x", "cluster": "", "node": "", "has_data": 1}).encode(),
    json.dumps({"version": 1, "instance_id": "", "declaration": "{}", "is_formatting": False}).encode(),
    json.dumps({"version": 1, "result": "perhaps"}).encode(),
]


@pytest.mark.parametrize("content", GARBAGE)
def test_a_record_that_is_none_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RECORD_FILE).write_bytes(content)

    with pytest.raises(UnreadableContent):
        read_record(tmp_path)


@pytest.mark.parametrize("content", GARBAGE)
def test_a_state_that_is_none_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)

    with pytest.raises(UnreadableContent):
        read_volume_state(tmp_path)


@pytest.mark.parametrize("content", GARBAGE)
def test_a_marker_that_is_none_makes_the_volume_unusable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MARKER_FILE).write_bytes(content)

    with pytest.raises(VolumeError, match=r"the marker guestagent-volume.json of the volume cannot be read"):
        read_marker(tmp_path)


def test_missing_files_are_none(tmp_path: Path) -> None:
    assert (read_record(tmp_path), read_volume_state(tmp_path), read_marker(tmp_path)) == (None, None, None)
