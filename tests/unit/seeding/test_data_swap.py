"""The replacement of the data directory: killed before each of its changes, and gone on with or undone."""

from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from guestagent.seeding.data_swap import DataSwap, carry_files, copy_modes
from guestagent.seeding.seed_folder import (
    MARKER_FILE,
    SeedFolder,
    choose_target,
    find_seed_folder,
    read_marker,
    remove_marker,
)
from guestagent.volume.mount_table import Mount

OLD, NEW = (
    {"ibdata1": "old", "mysql": "old", "shop": "old"},
    {"ibdata1": "new", "mysql": "new", "more": "new"},
)
MODE = 0o750
CHANGES = 14
"""At least so many changes does a replacement make; a later one is never killed, and the test still holds."""


class Killed(BaseException):
    """Ends the process, as kill -9 would."""


class Kill:
    """Kills before the change of this number, once."""

    def __init__(self, change: int) -> None:
        self._rest = change

    def __call__(self) -> None:
        self._rest -= 1
        if self._rest == 0:
            raise Killed


@pytest.fixture
def folder(tmp_path: Path) -> SeedFolder:
    """A data directory with old data, and new ones that are whole in the seed's folder."""
    data = tmp_path / "data"
    data.mkdir()
    fill(data, OLD)
    data.chmod(MODE)
    folder = find_seed_folder(str(data), "a1")
    folder.create_fresh("a1")
    fill(folder.fresh, NEW)
    return folder


def fill(folder: Path, contents: dict[str, str]) -> None:
    for name, text in contents.items():
        (folder / name).write_text(text)


def read_data(folder: SeedFolder) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.target.iterdir() if path.name != MARKER_FILE}


def get_mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_new_data_take_the_place_of_the_old_ones(folder: SeedFolder) -> None:
    DataSwap(folder).swap()

    assert read_data(folder) == NEW
    assert get_mode(folder.target) == MODE
    assert read_marker(folder.target) == "a1"
    assert {path.name: path.read_text() for path in folder.old.iterdir()} == OLD


@pytest.mark.parametrize("change", range(1, CHANGES + 1))
def test_a_swap_goes_on_after_a_kill(folder: SeedFolder, change: int) -> None:
    with suppress(Killed):
        DataSwap(folder, Kill(change)).swap()

    DataSwap(folder).swap()

    assert read_data(folder) == NEW
    assert get_mode(folder.target) == MODE


@pytest.mark.parametrize("change", range(1, CHANGES + 1))
def test_a_swap_that_was_killed_is_undone(folder: SeedFolder, change: int) -> None:
    with suppress(Killed):
        DataSwap(folder, Kill(change)).swap()

    DataSwap(folder).undo()

    assert read_data(folder) == OLD
    assert get_mode(folder.target) == MODE
    assert DataSwap(folder).stage is None


@pytest.mark.parametrize("change", range(1, CHANGES + 1))
def test_an_undo_that_was_killed_is_repeated(folder: SeedFolder, change: int) -> None:
    DataSwap(folder).swap()
    with suppress(Killed):
        DataSwap(folder, Kill(change)).undo()

    DataSwap(folder).undo()

    assert read_data(folder) == OLD
    assert get_mode(folder.target) == MODE


@pytest.mark.parametrize("change", range(2, CHANGES + 1))
def test_no_user_but_root_finds_a_part_of_the_data(folder: SeedFolder, change: int) -> None:
    """A server starts as another user, and cannot open a directory of this mode."""
    with suppress(Killed):
        DataSwap(folder, Kill(change)).swap()

    parts = read_data(folder)

    assert parts in (OLD, NEW) or get_mode(folder.target) == 0o700


def rename_files(source: Path, target: Path) -> None:
    """Rename as an overlay does whose lower layer has the folders."""
    if source.is_dir():
        raise OSError(errno.EXDEV, "Invalid cross-device link")
    source.rename(target)


@pytest.mark.parametrize("change", range(1, 24))
def test_folders_that_cannot_be_renamed_are_moved_file_by_file(folder: SeedFolder, change: int) -> None:
    for place, text in ((folder.target, "old"), (folder.fresh, "new")):
        (place / "schema").mkdir(mode=0o750)
        fill(place / "schema", {"a.ibd": text, "b.ibd": text})
    with suppress(Killed):
        DataSwap(folder, Kill(change), rename_files).swap()

    DataSwap(folder, rename=rename_files).swap()

    schemas = [(folder.target / "schema" / name).read_text() for name in ("a.ibd", "b.ibd")]
    assert schemas == ["new", "new"]
    assert get_mode(folder.target / "schema") == 0o750
    assert (folder.old / "schema" / "b.ibd").read_text() == "old"


def remove_until_killed(folder: SeedFolder, fatal_removal: int) -> None:
    """Remove the seed's folder in a process that kills itself before the removal of a number."""
    pid = os.fork()
    if pid == 0:
        kill = Kill(fatal_removal)

        def count_removal(event: str, arguments: tuple[object, ...]) -> None:
            if event in ("os.remove", "os.rmdir"):
                try:
                    kill()
                except Killed:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count_removal)
        folder.remove()
        os._exit(0)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("removal", range(1, 10))
def test_old_data_that_are_removed_in_part_do_not_come_back(folder: SeedFolder, removal: int) -> None:
    DataSwap(folder).swap()
    remove_until_killed(folder, removal)

    if folder.old.is_dir():
        DataSwap(folder).undo()

    assert read_data(folder) in (OLD, NEW)
    folder.remove()
    assert not folder.path.exists()


def test_new_data_get_the_modes_of_the_old_ones(folder: SeedFolder) -> None:
    for place, file_mode, folder_mode in ((folder.target, 0o640, 0o750), (folder.fresh, 0o600, 0o700)):
        (place / "mysql").unlink()
        (place / "mysql").mkdir(folder_mode)
        (place / "ibdata1").chmod(file_mode)
    (folder.fresh / "mysql" / "user.MAD").touch(0o600)

    copy_modes(folder.target, folder.fresh)

    modes = [get_mode(folder.fresh / name) for name in ("ibdata1", "mysql", "mysql/user.MAD")]
    assert modes == [0o640, 0o750, 0o640]


def test_the_folder_of_the_file_system_stays(folder: SeedFolder) -> None:
    (folder.target / "lost+found").mkdir()

    DataSwap(folder).swap()

    assert (folder.target / "lost+found").is_dir()


def test_a_server_keeps_its_own_files(folder: SeedFolder) -> None:
    fill(folder.target, {"server-key.pem": "mine", "auto.cnf": "mine"})
    fill(folder.fresh, {"auto.cnf": "the source's"})

    carry_files(folder.target, folder.fresh, ("*.pem", "auto.cnf"))

    assert (folder.fresh / "server-key.pem").read_text() == "mine"
    assert (folder.fresh / "auto.cnf").read_text() == "the source's"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes owners")
def test_new_data_get_the_owner_of_the_data_directory(folder: SeedFolder) -> None:
    os.chown(folder.target, 12, 34)

    DataSwap(folder).set_owners()
    DataSwap(folder).swap()

    for path in (folder.target, folder.target / "ibdata1"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


def test_a_marker_goes_when_the_seed_is_complete(folder: SeedFolder) -> None:
    remove_marker(folder.fresh)

    assert read_marker(folder.fresh) == ""


def test_a_seed_folder_lies_beside_the_data_directory(folder: SeedFolder, tmp_path: Path) -> None:
    assert folder.path == tmp_path / "guestagent-seed-a1"


def test_a_link_leads_to_the_data_directory(folder: SeedFolder, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/link").symlink_to(folder.target)

    assert find_seed_folder(str(tmp_path / "elsewhere/link"), "a1") == folder


DATA, VOLUME = Path("/var/lib/mysql"), "/var/lib/guestagent-volume"


@pytest.mark.parametrize(
    ("mounts", "target"),
    [
        ((Mount("8:1", "/", "/"),), DATA),
        ((Mount("8:1", "/", "/"), Mount("8:9", "/", str(DATA))), DATA),
        ((Mount("8:9", "/", VOLUME), Mount("8:9", "/mysql", str(DATA))), Path(VOLUME, "mysql")),
        ((Mount("8:9", "/a", "/mnt"), Mount("8:9", "/a/b/mysql", str(DATA))), Path("/mnt/b/mysql")),
    ],
    ids=["on the root disk", "a file system of its own", "a folder of a volume", "a folder of a folder"],
)
def test_the_data_directory_of_a_volume_is_found_on_it(mounts: tuple[Mount, ...], target: Path) -> None:
    assert choose_target(DATA, mounts) == target
