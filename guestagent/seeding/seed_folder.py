"""The folder of a seed: on the data directory's own file system, so that its files reach the data directory by rename.

It holds the new data (`data`), the old ones once they are replaced (`old`), and the journal of the replacement.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent, get_text, parse_object
from guestagent.unreadable_file import parse_file
from guestagent.volume.mount_table import Mount, find_mount, parse_mounts

FOLDER_PREFIX = "guestagent-seed-"
MARKER_FILE = "guestagent-seed.json"
"""In a data directory: it is the seed's of this id, and not complete yet."""
MARKER_VERSION = 1
REMOVED_FOLDER = "removed"
MOUNT_TABLE = Path("/proc/self/mountinfo")
LABEL = "security.selinux"


@dataclass(frozen=True, slots=True)
class SeedFolder:
    """Paths of one seed. `target` is the data directory by a path whose mount has this folder too."""

    path: Path
    target: Path

    @property
    def fresh(self) -> Path:
        return self.path / "data"

    @property
    def old(self) -> Path:
        return self.path / "old"

    @property
    def journal(self) -> Path:
        return self.path / "swap.json"

    def create(self) -> None:
        """Create the folder, unless it exists. Its owner is the data directory's: a server can write its data there."""
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            status = self.target.stat()
            os.chown(self.path, status.st_uid, status.st_gid)
            _copy_label(self.target, self.path)
        except OSError as error:
            raise StorageError(f"cannot create {self.path}: {error.strerror}") from error

    def create_fresh(self, seed_id: str) -> None:
        """Create the folder, with an empty one for the new data that has the seed's marker."""
        self.create()
        remove_folder(self.fresh)
        try:
            self.fresh.mkdir(mode=0o700)
            _copy_label(self.target, self.fresh)
        except OSError as error:
            raise StorageError(f"cannot create {self.fresh}: {error.strerror}") from error
        write_marker(self.fresh, seed_id)

    def remove(self) -> None:
        """Remove the folder with all that it holds. The new data go first, the journal last.

        Old data that are removed in part are not found as such: nobody puts them back.
        """
        removed = self.path / REMOVED_FOLDER
        remove_folder(self.fresh)
        remove_folder(removed)
        try:
            if self.old.is_dir():
                self.old.rename(removed)
        except OSError as error:
            raise StorageError(f"cannot remove {self.old}: {error.strerror}") from error
        remove_folder(removed)
        remove_folder(self.path)


def find_seed_folder(data_directory: str, seed_id: str) -> SeedFolder:
    """Find the place of a seed's folder. Raises StorageError if the data directory cannot be read."""
    try:
        data = Path(data_directory).resolve(strict=True)
        mounts = parse_mounts(MOUNT_TABLE.read_text())
        target = choose_target(data, mounts)
        if not target.exists() or not target.samefile(data):
            target = data
        name = f"{FOLDER_PREFIX}{seed_id}"
        is_apart = os.path.ismount(target) or target.parent.stat().st_dev != target.stat().st_dev
        return SeedFolder((target if is_apart else target.parent) / name, target)
    except OSError as error:
        raise StorageError(f"cannot read the data directory {data_directory}: {error.strerror}") from error


def list_seed_folders(data_directory: str) -> tuple[tuple[str, SeedFolder], ...]:
    """List the ids and the folders of all seeds that have left one. Raises StorageError."""
    parent = find_seed_folder(data_directory, "").path.parent
    try:
        names = sorted(path.name for path in parent.glob(f"{FOLDER_PREFIX}*") if path.is_dir())
    except OSError as error:
        raise StorageError(f"cannot read {parent}: {error.strerror}") from error
    ids = (name.removeprefix(FOLDER_PREFIX) for name in names)
    return tuple((seed_id, find_seed_folder(data_directory, seed_id)) for seed_id in ids)


def choose_target(data: Path, mounts: tuple[Mount, ...]) -> Path:
    """Return the path of the data directory in a mount that shows its parent too; the path itself if there is none.

    The data directory of a volume is a folder of the volume, which is mounted once more in its place.
    """
    own = find_mount(mounts, str(data))
    if own is None:
        return data
    folder = Path(own.folder)
    for mount in mounts:
        if mount.device_number == own.device_number and Path(mount.folder) in folder.parents:
            return Path(mount.target) / folder.relative_to(mount.folder)
    return data


def write_marker(folder: Path, seed_id: str, *, discards_data: bool = False) -> None:
    """Mark a data directory as the seed's. `discards_data`: what else it holds is given up from now on."""
    content = {"version": MARKER_VERSION, "id": seed_id, **({"discard": True} if discards_data else {})}
    atomic_file.write_file(folder / MARKER_FILE, json.dumps(content).encode())


def read_marker(folder: Path) -> str:
    """Return the id of the seed whose data these are; "" if there is no marker, or none that can be read."""
    return get_text(_read_marker_content(folder), "id", "")


def has_discarded_data(folder: Path) -> bool:
    """Return whether the marker tells that the data directory's old data are given up."""
    return _read_marker_content(folder).get("discard") is True


def remove_marker(folder: Path) -> None:
    """Take the mark from a data directory: the seed is complete."""
    atomic_file.remove_file(folder / MARKER_FILE)


def remove_folder(folder: Path) -> None:
    """Remove a folder with its content, if it exists. Raises StorageError."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"cannot remove {folder}: {error.strerror}") from error


def _read_marker_content(folder: Path) -> dict[str, object]:
    try:
        content = parse_file(folder / MARKER_FILE, lambda content: parse_object(content, MARKER_VERSION))
    except UnreadableContent:
        return {}
    return content if content is not None and isinstance(content.get("id"), str) else {}


def _copy_label(source: Path, target: Path) -> None:
    """Copy the label of SELinux, which the content of the folder inherits."""
    try:
        os.setxattr(target, LABEL, os.getxattr(source, LABEL))
    except OSError:
        return  # this system has none
