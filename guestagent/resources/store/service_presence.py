"""Services on one store file know of each other by a lock, which the kernel releases when a process ends.

The first of them finds the leases of killed ones: nobody else can have any, so it need not wait for their end.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from guestagent.errors import StorageError
from guestagent.file_lock import open_lock, try_lock
from guestagent.retry import Clock, SystemClock

LOG = logging.getLogger(__name__)
LOOK_PAUSE_S = 0.02
LOOK_TRIES = 3


def is_service_present(store_file: Path) -> bool:
    """Return whether a service runs on this store file. One that starts later is not kept away."""
    descriptor = open_lock(store_file.with_name(f"{store_file.name}.services"))
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def require_absence(store_file: Path) -> None:
    """Raise StorageError if a service runs on this store file. One that starts later is not kept away."""
    if is_service_present(store_file):
        raise StorageError(f"a service runs on the store {store_file}: stop it first")


@contextmanager
def hold_presence(
    store_file: Path, end_leases: Callable[[], int], clock: Clock | None = None
) -> Iterator[None]:
    """Show other services during the block that this one runs. End the leases of killed ones if it is the only one.

    It must not have leases yet.
    """
    descriptor = open_lock(store_file.with_name(f"{store_file.name}.services"))
    try:
        if _try_lock_repeatedly(descriptor, clock or SystemClock()):
            ended = end_leases()
            if ended:
                LOG.info("work on %d clusters goes on, in which a service was killed", ended)
        try:
            # From the exclusive lock too: another service that starts at this moment finds no leases to end.
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        except OSError as error:
            raise StorageError(f"cannot lock a file beside {store_file}: {error.strerror}") from error
        yield
    finally:
        os.close(descriptor)


def _try_lock_repeatedly(descriptor: int, clock: Clock) -> bool:
    """Return whether this call locked the file. A command that looks for a service holds the lock for a moment only."""
    for _ in range(LOOK_TRIES - 1):
        if try_lock(descriptor):
            return True
        clock.sleep(LOOK_PAUSE_S)
    return try_lock(descriptor)
