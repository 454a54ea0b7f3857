"""Whether a data directory holds more than a server's own tables. It is read from outside: the server may be down."""

from __future__ import annotations

import os
from pathlib import Path

from guestagent.errors import SeedError, StorageError
from guestagent.seeding.request import SeedRequest
from guestagent.seeding.seed_folder import FOLDER_PREFIX, MOUNT_TABLE, SeedFolder, read_marker
from guestagent.volume.mount_table import parse_lock_owners, parse_mounts

LOCK_TABLE = Path("/proc/locks")
LOCKED_FILES = ("ibdata1", "aria_log_control", "mysql.ibd")
"""Files that a running server keeps locked."""
SYSTEM_FOLDERS = frozenset({"mysql", "sys", "performance_schema", "lost+found"})
SCHEMA_FILES = frozenset({"db.opt"})
"""What the folder of an empty schema has."""


def check_replaceable(request: SeedRequest, folder: SeedFolder) -> None:
    """Raise SeedError unless the local data may be replaced: none, this seed's own, or any if that was asked for."""
    if request.replaces_data or read_marker(folder.target) == request.id:
        return
    schemas = list_schemas(folder.target)
    if schemas:
        raise SeedError(
            f"the server already holds data ({', '.join(schemas[:5])}): nothing was written over them",
            "remove them, or declare Seeding.Reseed to replace them",
        )


def check_inner_mounts(target: Path) -> None:
    """Raise SeedError if something is mounted inside the data directory: its entries are moved by rename."""
    try:
        mounts = parse_mounts(MOUNT_TABLE.read_text())
    except OSError as error:
        raise StorageError(f"cannot read {MOUNT_TABLE}: {error.strerror}") from error
    inner = sorted({mount.target for mount in mounts if target in Path(mount.target).parents})
    if inner:
        raise SeedError(
            f"{', '.join(inner)} is mounted inside the data directory, whose content cannot be replaced then",
            "unmount it and keep its files in the data directory, or set Seeding.Method: dump",
        )


def list_schemas(data_directory: Path) -> tuple[str, ...]:
    """List the folders of schemas that have tables or other objects. Raises StorageError."""
    try:
        folders = [path for path in data_directory.iterdir() if path.is_dir() and _is_schema(path.name)]
        return tuple(
            sorted(path.name for path in folders if {file.name for file in path.iterdir()} - SCHEMA_FILES)
        )
    except OSError as error:
        raise StorageError(f"cannot read {data_directory}: {error.strerror}") from error


def has_running_server(data_directory: Path) -> bool:
    """Return whether a server has locked the data. The kernel knows, whatever has become of its socket."""
    try:
        locked_files = parse_lock_owners(LOCK_TABLE.read_text())
        for name in LOCKED_FILES:
            path = data_directory / name
            if path.exists():
                status = path.stat()
                number = (os.major(status.st_dev), os.minor(status.st_dev), status.st_ino)
                if number in locked_files:
                    return True
    except OSError as error:
        raise StorageError(f"cannot look at the locks of {data_directory}: {error.strerror}") from error
    return False


def measure_folder(folder: Path) -> int:
    """Sum up the bytes that a folder's files have on the disk. Raises StorageError."""
    try:
        return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
    except OSError as error:
        raise StorageError(f"cannot read {folder}: {error.strerror}") from error


def _is_schema(name: str) -> bool:
    return name not in SYSTEM_FOLDERS and not name.startswith(("#", ".", FOLDER_PREFIX))
