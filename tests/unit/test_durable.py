"""Files are whole and old, or whole and new."""

import stat
from pathlib import Path

import pytest

from guestagent import durable
from guestagent.errors import Retryable, StorageError


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_what_is_written_is_read_and_private(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"

    durable.write(path, b"new")

    assert durable.read(path) == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_only_shown_is_whole_and_private_too(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    durable.show(path, b"old")

    durable.show(path, b"new")

    assert (durable.read(path), names(path.parent)) == (b"new", ["file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_file_reads_as_none(tmp_path: Path) -> None:
    assert durable.read(tmp_path / "nothing") is None


def test_nothing_but_the_file_is_left(tmp_path: Path) -> None:
    durable.write(tmp_path / "file", b"old")
    durable.write(tmp_path / "file", b"new")

    assert names(tmp_path) == ["file"]


def test_a_draft_of_a_killed_writer_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".file.draft").write_bytes(b"half a")

    durable.write(tmp_path / "file", b"whole")

    assert names(tmp_path) == ["file"]


def test_a_failed_write_leaves_the_old_content_and_can_be_retried(tmp_path: Path) -> None:
    durable.write(tmp_path / "file", b"old")
    (tmp_path / ".file.draft").mkdir()

    with pytest.raises(StorageError, match="cannot write") as caught:
        durable.write(tmp_path / "file", b"new")

    assert isinstance(caught.value, Retryable)
    assert durable.read(tmp_path / "file") == b"old"


def test_removing_twice_is_fine(tmp_path: Path) -> None:
    durable.write(tmp_path / "file", b"")

    durable.remove(tmp_path / "file")
    durable.remove(tmp_path / "file")

    assert not (tmp_path / "file").exists()
