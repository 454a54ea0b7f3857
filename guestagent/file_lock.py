"""Locks between processes, and threads: files that are locked with flock, and let go by a process that ends."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guestagent.atomic_file import PRIVATE_FILE, PRIVATE_FOLDER
from guestagent.errors import StorageError

LOCK_TIMEOUT_S = 5.0
LOCK_INTERVAL_S = 0.01


@contextmanager
def hold_lock(path: Path, patience: float = LOCK_TIMEOUT_S) -> Iterator[int]:
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
