"""The copy of the data directory on a volume, and what may stand in its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from guestagent.errors import VolumeError
from guestagent.volume import VolumePaths
from guestagent.volume.data_folder import DataFolder
from guestagent.volume.tools import VolumeTools

INSIDE = ("", "-other", "/shop")
"""Three mounts: of the data directory itself, beside it, and inside it."""


@dataclass(frozen=True, slots=True)
class FakeTools(VolumeTools):
    """Copies with Python. `interfere` is called when the files are copied."""

    interfere: Callable[[], None] = lambda: None

    def copy_folder(self, source: Path, target: Path) -> None:
        shutil.copytree(source, target)
        self.interfere()

    def sync(self, folder: Path) -> None:
        assert folder.is_dir()


@pytest.fixture
def paths(tmp_path: Path) -> VolumePaths:
    paths = VolumePaths(root=tmp_path / "root", data=tmp_path / "data", proc=tmp_path / "proc")
    for folder in (paths.root, paths.data, paths.proc):
        folder.mkdir()
    (paths.data / "ibdata1").write_bytes(b"pages")
    (paths.proc / "locks").touch()
    (paths.proc / "self").mkdir()
    (paths.proc / "self/mountinfo").touch()
    return paths


def lock(path: Path, proc: Path) -> None:
    """List the file in the kernel's table of locks."""
    status = path.stat()
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    (proc / "locks").write_text(f"1: POSIX  ADVISORY  WRITE 1 {device}:{status.st_ino} 0 EOF\n")


def test_a_copy_appears_under_its_name(paths: VolumePaths) -> None:
    DataFolder(paths, FakeTools()).copy(is_new=True)

    assert [path.name for path in paths.root.iterdir()] == ["mysql"]
    assert (paths.volume_data / "ibdata1").read_bytes() == b"pages"


def test_a_data_directory_with_another_file_system_inside_is_not_copied(paths: VolumePaths) -> None:
    lines = [
        f"36 35 8:{number} / {paths.data}{end} rw - ext4 /dev/sda rw\n" for number, end in enumerate(INSIDE)
    ]
    (paths.proc / "self/mountinfo").write_text("".join(lines))

    with pytest.raises(VolumeError, match=rf"mounted inside the data directory, at {paths.data}/shop$"):
        DataFolder(paths, FakeTools()).copy(is_new=True)

    assert list(paths.root.iterdir()) == []


def test_a_copy_is_dropped_if_a_server_has_started_in_the_meantime(paths: VolumePaths) -> None:
    tools = FakeTools(lambda: lock(paths.data / "ibdata1", paths.proc))

    with pytest.raises(VolumeError, match=r"a database server uses .*/ibdata1"):
        DataFolder(paths, tools).copy(is_new=True)

    assert list(paths.root.iterdir()) == []


def test_a_copy_is_dropped_if_its_origin_has_changed_in_the_meantime(paths: VolumePaths) -> None:
    tools = FakeTools(lambda: os.utime(paths.data / "ibdata1", ns=(0, 0)))

    with pytest.raises(VolumeError, match="changed while it was copied"):
        DataFolder(paths, tools).copy(is_new=True)

    assert list(paths.root.iterdir()) == []


@pytest.mark.parametrize("has_data", [True, False])
def test_a_link_in_the_place_of_the_data_directory_is_refused(paths: VolumePaths, has_data: bool) -> None:
    elsewhere = paths.root.parent / "elsewhere"
    elsewhere.mkdir()
    paths.volume_data.symlink_to(elsewhere)
    folder = DataFolder(paths, FakeTools())

    with pytest.raises(VolumeError, match="mysql on the volume is no folder of the volume"):
        folder.check_copy() if has_data else folder.copy(is_new=True)


def test_a_volume_without_a_data_directory_is_refused(paths: VolumePaths) -> None:
    with pytest.raises(VolumeError, match="the volume holds no folder mysql"):
        DataFolder(paths, FakeTools()).check_copy()
