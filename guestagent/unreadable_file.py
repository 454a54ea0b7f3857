"""State files that cannot be read: each is renamed and kept, so that a person can look at it."""

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
"""Kept files of one name. The first one always stays: it has the content from before anything was overwritten."""


def parse_file(path: Path, parse: Callable[[bytes], T]) -> T | None:
    """Return the result of `parse` for the file's content, or None if there is no file.

    Raises UnreadableContent if the content is invalid, or if the path is a directory or a pipe, or if the disk fails.
    Raises StorageError if this user has no permission to read it.
    """
    try:
        content = atomic_file.read_file(path)
    except StorageError as error:
        if isinstance(error.__cause__, PermissionError):
            raise
        raise UnreadableContent(str(error)) from error
    return None if content is None else parse(content)


def parse_or_quarantine(path: Path, parse: Callable[[bytes], T]) -> T | None:
    """Return the result of `parse`, or None for a missing or unreadable file. An unreadable one is renamed.

    For a file that is about to be overwritten. If it cannot be renamed (a full disk, for example), StorageError is
    raised, and nothing may be written over it.
    """
    try:
        return parse_file(path, parse)
    except UnreadableContent as error:
        quarantine_file(path, str(error))
        return None


def quarantine_file(path: Path, reason: str, prefix: str = "") -> Path:
    """Rename an unreadable file, make it private, log it, and return its new path. Raises StorageError.

    At most QUARANTINE_LIMIT files of one name, `prefix` included, are kept.
    """
    kept = list_quarantined_files(path.parent, f"{prefix}{path.name}")
    for surplus in kept[1 : len(kept) - QUARANTINE_LIMIT + 2] if len(kept) >= QUARANTINE_LIMIT else ():
        _remove_file(surplus)
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S%fZ")
    target = path.with_name(f"{prefix}{path.name}{QUARANTINE_MARK}{stamp}")
    _make_private(path)
    atomic_file.rename_file(path, target)
    LOG.warning("%s cannot be read (%s): it is kept as %s", path, reason, target.name)
    return target


def list_quarantined_files(folder: Path, name: str = "") -> tuple[Path, ...]:
    """Return the quarantined files of the folder, or only those of `name`, the oldest first.

    The result is empty if the folder cannot be listed.
    """
    try:
        paths = [path for path in folder.iterdir() if path.name.partition(QUARANTINE_MARK)[1]]
    except OSError:
        return ()
    return tuple(
        sorted(path for path in paths if not name or path.name.partition(QUARANTINE_MARK)[0] == name)
    )


def _remove_file(path: Path) -> None:
    try:
        atomic_file.remove_file(path)
    except StorageError:  # a directory, for example: it needs little space
        LOG.warning("%s is a surplus unreadable file that cannot be removed", path)


def _make_private(path: Path) -> None:
    """Set the mode through a descriptor, never through a link. A failure is ignored, because the folder is private."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, atomic_file.PRIVATE_FILE)
    except OSError:
        LOG.warning("%s cannot be made private", path)
    finally:
        os.close(descriptor)
