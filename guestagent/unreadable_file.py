"""Files of ours that cannot be read: each is kept under another name, so that a person can look at it."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from guestagent import atomic_file
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent

T = TypeVar("T")
LOG = logging.getLogger("guestagent")
QUARANTINE_MARK = ".unreadable-"
QUARANTINE_LIMIT = 4
"""Files that are kept of one name. The first one stays: it holds what was there before anything was written anew."""


def parse_file(path: Path, parse: Callable[[bytes], T]) -> T | None:
    """Return what `parse` makes of the file, None if there is none. Raises Unreadable if it is not what we wrote.

    A directory, a pipe or a disk's error is unreadable too. Raises StorageError if this user may not read it.
    """
    try:
        content = atomic_file.read_file(path)
    except StorageError as error:
        if isinstance(error.__cause__, PermissionError):
            raise
        raise UnreadableContent(str(error)) from error
    return None if content is None else parse(content)


def quarantine_file(path: Path, why: str, prefix: str = "") -> Path:
    """Rename a file that cannot be read, readable by its owner alone, and log it. StorageError if it cannot be renamed.

    At most KEPT_LIMIT files are kept of one name, `prefix` included.
    """
    kept = list_quarantined_files(path.parent, f"{prefix}{path.name}")
    for old in kept[1 : len(kept) - QUARANTINE_LIMIT + 2] if len(kept) >= QUARANTINE_LIMIT else ():
        _remove(old)
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S%fZ")
    target = path.with_name(f"{prefix}{path.name}{QUARANTINE_MARK}{stamp}")
    _make_private(path)
    atomic_file.rename_file(path, target)
    LOG.warning("%s cannot be read (%s): it is kept as %s", path, why, target.name)
    return target


def list_quarantined_files(folder: Path, name: str = "") -> tuple[Path, ...]:
    """Return the files that were kept aside in `folder`, of `name` alone if it is given, the oldest first.

    Empty if the folder cannot be listed.
    """
    try:
        found = [path for path in folder.iterdir() if path.name.partition(QUARANTINE_MARK)[1]]
    except OSError:
        return ()
    return tuple(
        sorted(path for path in found if not name or path.name.partition(QUARANTINE_MARK)[0] == name)
    )


def _remove(path: Path) -> None:
    try:
        atomic_file.remove_file(path)
    except StorageError:  # a directory, say: it takes no room to speak of
        LOG.warning("%s was kept aside long ago and cannot be removed", path)


def _make_private(path: Path) -> None:
    """Through a descriptor, and never through a link. What cannot be done is no obstacle: the folder is private."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, atomic_file.PRIVATE_FILE)
    except OSError:
        LOG.warning("%s cannot be closed to other users", path)
    finally:
        os.close(descriptor)
