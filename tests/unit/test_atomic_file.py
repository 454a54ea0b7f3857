"""Files are whole and old, or whole and new."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from guestagent import atomic_file
from guestagent.errors import StorageError
from guestagent.file_lock import open_lock


def list_links(folder: Path) -> list[Path]:
    """List the links of a folder that exist; the one of the listing itself does not any more."""
    return [path for path in folder.iterdir() if path.is_symlink()]


def list_names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_what_is_written_is_read_and_private(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"

    atomic_file.write_file(path, b"new")

    assert atomic_file.read_file(path) == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_only_shown_is_whole_and_private_too(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    atomic_file.write_unsynced(path, b"old")

    atomic_file.write_unsynced(path, b"new")

    assert (atomic_file.read_file(path), list_names(path.parent)) == (b"new", ["file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_file_reads_as_none(tmp_path: Path) -> None:
    assert atomic_file.read_file(tmp_path / "nothing") is None


def test_nothing_but_the_file_is_left(tmp_path: Path) -> None:
    atomic_file.write_file(tmp_path / "file", b"old")
    atomic_file.write_file(tmp_path / "file", b"new")

    assert list_names(tmp_path) == ["file"]


def test_a_draft_of_a_killed_writer_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".file.draft").write_bytes(b"half a")

    atomic_file.write_file(tmp_path / "file", b"whole")

    assert list_names(tmp_path) == ["file"]


def test_a_failed_write_leaves_the_old_content_and_can_be_retried(tmp_path: Path) -> None:
    atomic_file.write_file(tmp_path / "file", b"old")
    (tmp_path / ".file.draft").mkdir()

    with pytest.raises(StorageError, match="cannot write"):
        atomic_file.write_file(tmp_path / "file", b"new")

    assert atomic_file.read_file(tmp_path / "file") == b"old"


def test_removing_twice_is_fine(tmp_path: Path) -> None:
    atomic_file.write_file(tmp_path / "file", b"")

    atomic_file.remove_file(tmp_path / "file")
    atomic_file.remove_file(tmp_path / "file")

    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    "replace", [atomic_file.write_file, atomic_file.write_unsynced], ids=["write", "show"]
)
def test_a_link_in_the_place_of_the_draft_is_not_followed(
    tmp_path: Path, replace: Callable[[Path, bytes], None]
) -> None:
    other_file, file = tmp_path / "theirs", tmp_path / "file"
    other_file.write_bytes(b"other")
    (tmp_path / ".file.draft").symlink_to(other_file)

    replace(file, b"ours")

    assert (other_file.read_bytes(), file.read_bytes(), file.is_symlink()) == (b"other", b"ours", False)


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "theirs")

    with pytest.raises(StorageError, match="cannot write"):
        open_lock(tmp_path / "lock")

    assert not (tmp_path / "theirs").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_a_lock_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    os.chown(tmp_path / "lock", 4711, 4711)

    with pytest.raises(StorageError, match="not a regular file of this user"):
        open_lock(tmp_path / "lock")


@pytest.mark.timeout(60)
def test_a_pipe_a_folder_and_a_file_that_is_too_large_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "large").open("wb") as file:
        file.truncate(atomic_file.FILE_SIZE_LIMIT + 1)

    for name in ("pipe", "folder", "large"):
        with pytest.raises(StorageError, match="cannot read"):
            atomic_file.read_file(tmp_path / name)


def test_of_several_files_all_are_replaced_or_none(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    atomic_file.write_files({one: b"old", other: b"old"})
    (tmp_path / ".other.draft").mkdir()

    with pytest.raises(StorageError, match="cannot write"):
        atomic_file.write_files({one: b"new", other: b"new"})

    assert (one.read_bytes(), other.read_bytes()) == (b"old", b"old")


def test_a_folder_in_the_place_of_a_file_is_closed_again(tmp_path: Path) -> None:
    """An open one would keep its file system from being unmounted."""
    with pytest.raises(StorageError):
        atomic_file.read_file(tmp_path)

    assert tmp_path not in [link.readlink() for link in list_links(Path("/proc/self/fd"))]
