"""The position of a backup, from the file that mariadb-backup writes into it."""

from __future__ import annotations

import re
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import SeedError, StorageError

POSITION_FILES = ("mariadb_backup_binlog_info", "xtrabackup_binlog_info")
"""Of MariaDB 11 and 10.11."""
GTID_LIST = re.compile(r"\d+-\d+-\d+(,\d+-\d+-\d+)*")
ADVICE = "the source must write a binary log: is log_bin set there?"


def read_position(folder: Path) -> str:
    """Return the GTID position of the backup in `folder`. Raises SeedError if it has none, so that it is not whole."""
    for name in POSITION_FILES:
        try:
            content = atomic_file.read_file(folder / name)
        except StorageError as error:
            raise SeedError(str(error), is_transient=True) from error
        if content is not None:
            return parse_position(content.decode(errors="replace"))
    raise SeedError("the backup has no file with its position", ADVICE, is_transient=True)


def parse_position(text: str) -> str:
    """Parse `binlog.000002<TAB>16498<TAB>0-1-174`. The position of a source without any transaction is empty."""
    fields = text.split("\t", 2)
    position = "".join(fields[2].split()) if len(fields) == 3 else "none"
    if position and not GTID_LIST.fullmatch(position):
        raise SeedError(
            f"the backup's position is no GTID position: {text.strip()!r}", ADVICE, is_transient=True
        )
    return position
