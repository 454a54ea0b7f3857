"""Measures the files of a database server, for those who plan a copy of its data."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from guestagent.agent.outcome import DataSize
from guestagent.signal.transports import utc_now

FILE_LIMIT = 200_000
"""Files after which the measurement is given up: it must not keep a signal waiting."""
LOG_PATTERN = re.compile(r".+\.[0-9]{6,}")
TEMPORARY_NAMES = frozenset({"ibtmp1", "#innodb_temp", "lost+found"})


def measure_data_size(
    data_directory: Path, file_limit: int = FILE_LIMIT, read_time: Callable[[], datetime] = utc_now
) -> DataSize | None:
    """Measure a data directory; None if it cannot be read, or has too many files. Nothing is opened."""
    sizes = {True: 0, False: 0}
    has_logs = False
    try:
        for number, entry in enumerate(_list_files(data_directory)):
            if number == file_limit:
                return None
            is_log = LOG_PATTERN.fullmatch(entry.name) is not None
            has_logs |= is_log
            sizes[is_log] += _read_size(entry)
        disk_bytes = shutil.disk_usage(data_directory).total
    except OSError:
        return None
    measured_at = read_time().isoformat(timespec="seconds")
    return DataSize(sizes[False], sizes[True] if has_logs else None, disk_bytes, measured_at)


def _list_files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """List all files. A folder that is dropped meanwhile has none."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in TEMPORARY_NAMES:
                continue
            if not entry.is_dir(follow_symlinks=False):
                yield entry
                continue
            try:
                yield from _list_files(Path(entry.path))
            except FileNotFoundError:
                continue


def _read_size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0
