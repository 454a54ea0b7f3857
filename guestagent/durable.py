"""Files that survive a kill between any two instructions: whole and old, or whole and new."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from guestagent.errors import StorageError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
FILE_SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes. A larger file is not one of ours, and is not read into memory."""

LOCK_PATIENCE_S = 5.0
LOCK_INTERVAL_S = 0.01


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


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Replace several files of one folder, in their order, on the disk before this returns.

    If one of them cannot be written, all keep their old content, and StorageError is raised.
    """
    path = next(iter(contents))
    drafts = {path: path.with_name(f".{path.name}.draft") for path in contents}
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        with ExitStack() as stack:
            # All are written before the first is waited for: the disk then takes them in one go.
            files = {path: stack.enter_context(os.fdopen(_create(draft), "wb")) for path, draft in drafts.items()}
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
        raise StorageError(f"cannot write {path}: {error.strerror}; free space or mend its rights") from error


def show(path: Path, content: bytes) -> None:
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
        raise StorageError(f"cannot write {path}: {error.strerror}; free space or mend its rights") from error


def read(path: Path) -> bytes | None:
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


def rename(path: Path, target: Path) -> None:
    """Rename within a folder, on the disk before this returns. StorageError if that is not possible."""
    try:
        path.rename(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise StorageError(f"cannot rename {path}: {error.strerror}") from error


def open_lock(path: Path) -> int:
    """Open a file to lock it with flock, and return its descriptor. It is made if it is missing.

    A symbolic link, another user's file or anything but a regular file is refused with StorageError: in a folder that
    somebody else may write to it would lead to a file of theirs.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(path, flags, PRIVATE_FILE)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()):
        os.close(descriptor)
        raise StorageError(f"cannot write {path}: it is not a regular file of this user; remove it")
    return descriptor


@contextmanager
def locked(path: Path, patience: float = LOCK_PATIENCE_S) -> Iterator[int]:
    """Hold the lock of that file, and yield its descriptor. StorageError if somebody else holds it for longer than
    `patience`.
    """
    descriptor = open_lock(path)
    try:
        until = time.monotonic() + patience
        while not try_lock(descriptor):
            if time.monotonic() >= until:
                raise StorageError(f"cannot lock {path}: another process has held it for {patience:.0f} s")
            time.sleep(LOCK_INTERVAL_S)
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file if nobody else has it; return whether that worked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StorageError(f"cannot lock a file: {error.strerror}") from error
    return True


def remove(path: Path) -> None:
    """Remove the file, on the disk before this returns; it may be missing already."""
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"cannot remove {path}: {error.strerror}") from error


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
