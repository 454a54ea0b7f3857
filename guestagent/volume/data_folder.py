"""The data directory: copied from the root disk to a new volume, and mounted from there at its usual place."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import StorageError, VolumeError
from guestagent.volume.block_device import BlockDevice
from guestagent.volume.environment import VolumePaths
from guestagent.volume.mount_table import find_mount, parse_lock_owners, parse_mounts
from guestagent.volume.tools import VolumeTools

LOCKED_FILES = ("ibdata1", "aria_log_control", "mysql.ibd")
"""Files that a running MySQL or MariaDB keeps locked."""
SECTOR_BYTES = 512
STOP_ADVICE = "stop the database server first"


class DataFolder:
    """The data directory on the root disk and its copy on the volume, which is mounted in its place."""

    def __init__(self, paths: VolumePaths, tools: VolumeTools) -> None:
        self._paths, self._tools = paths, tools

    def check_source(self) -> None:
        """Raise VolumeError if the place of the data directory is no folder, where nothing could be mounted."""
        data = self._paths.data
        if data.is_symlink() or not data.is_dir():
            raise VolumeError(
                f"{data} is no folder",
                "the volume is mounted there: make it one, as the server's package does",
            )

    def check_copy(self) -> None:
        """Raise VolumeError if the volume has no data directory, or one that is not on the volume itself."""
        folder = self._paths.volume_data
        try:
            status = folder.lstat()
        except OSError as error:
            raise VolumeError(
                f"the volume holds no folder {folder.name}, which is its data directory",
                "if it was to be replaced by another one, rename that one to it",
            ) from error
        if not stat.S_ISDIR(status.st_mode) or status.st_dev != self._paths.root.stat().st_dev:
            raise VolumeError(
                f"{folder.name} on the volume is no folder of the volume, but a link, a file or another mount",
                "move the data directory itself to this place",
            )

    def copy(self, *, is_new: bool) -> None:
        """Copy the data directory to the volume, unless that is done. Its final name appears when it is complete."""
        paths = self._paths
        if os.path.lexists(paths.volume_data):
            self.check_copy()
            return
        if not is_new:
            raise VolumeError("the volume holds no data directory, and is not declared new")
        self._check_stopped()
        self._check_mounts()
        _remove_folder(paths.copy)
        contents = _list_contents(paths.data)
        needed = sum(_list_sizes(paths.data))
        statistics = os.statvfs(paths.root)
        free = statistics.f_bavail * statistics.f_frsize
        if needed > free:
            raise VolumeError(
                f"the data directory {paths.data} has {needed} bytes, and only {free} are free on the volume",
                "use a larger volume",
            )
        try:
            self._tools.copy_folder(paths.data, paths.copy)
            self._tools.sync(paths.root)
            # A server that was started in the meantime has changed what was copied before.
            self._check_stopped()
            if _list_contents(paths.data) != contents:
                raise VolumeError(f"the data directory {paths.data} changed while it was copied", STOP_ADVICE)
        except VolumeError:
            _remove_folder(paths.copy)
            raise
        # The rename is on the disk before the marker says that the data are complete.
        atomic_file.rename_file(paths.copy, paths.volume_data)

    def mount(self, device: BlockDevice) -> None:
        """Mount the folder of the volume in the place of the data directory, unless it is.

        A mount of another folder of the volume, which was renamed since, is replaced.
        """
        data, folder = self._paths.data, self._paths.volume_data
        if data.samefile(folder):
            return
        mounts = parse_mounts((self._paths.proc / "self" / "mountinfo").read_text())
        present = find_mount(mounts, str(data))
        if present is not None and present.device_number != device.number:
            raise VolumeError(f"another file system is mounted at {data}: device {present.device_number}")
        self._check_stopped()
        if present is not None:
            self._tools.unmount(data)
        self._tools.bind(folder, data)

    def _check_mounts(self) -> None:
        """Raise VolumeError if a file system is mounted inside the data directory: its files would not be copied."""
        mounts = parse_mounts((self._paths.proc / "self" / "mountinfo").read_text())
        targets = [mount.target for mount in mounts if mount.target.startswith(f"{self._paths.data}/")]
        if targets:
            raise VolumeError(
                f"another file system is mounted inside the data directory, at {', '.join(targets)}",
                "move its files into the data directory, and unmount it: a volume holds all data of a server",
            )

    def _check_stopped(self) -> None:
        """Raise VolumeError if a server uses the data directory: it would go on with files that nobody sees."""
        locked = parse_lock_owners((self._paths.proc / "locks").read_text())
        for name in LOCKED_FILES:
            try:
                status = (self._paths.data / name).stat()
            except OSError:
                continue
            if (os.major(status.st_dev), os.minor(status.st_dev), status.st_ino) in locked:
                raise VolumeError(f"a database server uses {self._paths.data / name}", STOP_ADVICE)


def _list_sizes(folder: Path) -> Iterator[int]:
    """List the sizes of a folder's files on the disk, in bytes."""
    for parent, _, names in os.walk(folder):
        yield from (os.lstat(Path(parent, name)).st_blocks * SECTOR_BYTES for name in names)


def _list_contents(folder: Path) -> frozenset[tuple[str, int, int]]:
    """List a folder's files by path, size and time of the last change."""
    contents = set()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with suppress(FileNotFoundError):
                status = path.lstat()
                contents.add((str(path), status.st_size, status.st_mtime_ns))
    return frozenset(contents)


def _remove_folder(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"cannot remove {folder}: {error.strerror}") from error
