"""Files that survive a kill between any two instructions: whole and old, or whole and new."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from guestagent.errors import StorageError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
FILE_SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes. A larger file is not one of ours, and is not read into memory."""


def write_file(
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
        raise _cannot_write(path, error) from error


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Replace several files of one folder, in their order, on the disk before this returns.

    If one of them cannot be written, all keep their old content, and StorageError is raised.
    """
    path = next(iter(contents))
    drafts = {path: path.with_name(f".{path.name}.draft") for path in contents}
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        with ExitStack() as stack:
            # All are written before the first is waited for: the disk then takes them in one go.
            files = {
                path: stack.enter_context(os.fdopen(_create(draft), "wb")) for path, draft in drafts.items()
            }
            for path, file in files.items():
                file.write(contents[path])
                file.flush()
            for path in files:
                os.fsync(files[path].fileno())
        for path, draft in drafts.items():
            draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def write_unsynced(path: Path, content: bytes) -> None:
    """Replace `path` in one step, as `write` does, for others to look at: the disk is not waited for.

    After a power cut it may be an older one, or empty: only for what nobody goes on from. StorageError as of `write`.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        with os.fdopen(_create(draft), "wb") as file:
            file.write(content)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def read_file(path: Path) -> bytes | None:
    """Return the content, or None if there is no such file. Never waits: a pipe or a device is not read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except ValueError as error:  # a null byte, say
        raise StorageError(f"cannot read {str(path)!r}: no path can be so") from error
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StorageError(f"cannot read {path}: not a regular file")
            content = file.read(FILE_SIZE_LIMIT + 1)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > FILE_SIZE_LIMIT:
        raise StorageError(f"cannot read {path}: larger than {FILE_SIZE_LIMIT // 2**20} MiB")
    return content


def rename_file(path: Path, target: Path) -> None:
    """Rename within a folder, on the disk before this returns. StorageError if that is not possible."""
    try:
        path.rename(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise StorageError(f"cannot rename {path}: {error.strerror}") from error


def remove_file(path: Path) -> None:
    """Remove the file, on the disk before this returns; it may be missing already."""
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"cannot remove {path}: {error.strerror}") from error


def _cannot_write(path: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot write {path}: {error.strerror}; free space or mend its rights")


def _write_synced(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None) -> None:
    descriptor = _create(path)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _create(path: Path) -> int:
    """Create a new file each time: a link that another user of the folder may have put there is not followed."""
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
