"""Files that survive a kill between any two instructions: whole and old, or whole and new."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from guestagent.errors import StorageError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def write(
    path: Path, content: bytes, mode: int = PRIVATE_FILE, owner: tuple[int, int] | None = None
) -> None:
    """Replace `path` in one step, on the disk before this returns; its folder is made where it is missing.

    `owner`: the file's user and group, by number; ours where it is None.

    StorageError where that cannot be done (a full disk, say): the old content is then still there.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        try:
            _write_synced(draft, content, mode, owner)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}; free space or mend its rights") from error


def show(path: Path, content: bytes) -> None:
    """Replace `path` in one step, as `write` does, for others to look at: the disk is not waited for.

    After a power cut it may be an older one, or empty: only for what nobody goes on from. StorageError as of `write`.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        draft.touch(PRIVATE_FILE)
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror}; free space or mend its rights") from error


def read(path: Path) -> bytes | None:
    """The content, or None where there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error


def remove(path: Path) -> None:
    """Remove the file, on the disk before this returns; it may be missing already."""
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"cannot remove {path}: {error.strerror}") from error


def _write_synced(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None) -> None:
    # A new file each time: what another user of the folder may have put in its place is not followed.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
