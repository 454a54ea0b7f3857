"""Locks between processes and threads: files locked with flock, which the kernel releases when a process ends."""

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
def hold_lock(path: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[int]:
    """Hold the lock of this file, and yield its descriptor.

    Raises StorageError if another process or thread holds the lock for longer than `timeout_s`; math.inf waits for
    ever.
    """
    descriptor = open_lock(path)
    try:
        until = time.monotonic() + timeout_s
        while not try_lock(descriptor):
            if time.monotonic() >= until:
                raise StorageError(f"cannot lock {path}: another process has held it for {timeout_s:.0f} s")
            time.sleep(LOCK_INTERVAL_S)
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file unless it is locked already, and return whether this call locked it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StorageError(f"cannot lock a file: {error.strerror}") from error
    return True


def open_lock(path: Path) -> int:
    """Open a file to lock it, and return its descriptor. The file is created if it is missing.

    A symbolic link, another user's file and anything but a regular file are rejected with StorageError: in a folder
    that another user can write to, it would lead to a file of that user.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(path, flags, PRIVATE_FILE)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (0, os.geteuid()):
        os.close(descriptor)
        raise StorageError(f"cannot write {path}: it is not a regular file of this user; remove it")
    return descriptor
