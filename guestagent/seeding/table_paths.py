"""The files in which MariaDB keeps the paths of InnoDB tables that lie outside of the data directory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from guestagent import atomic_file

PATH_SUFFIX = ".isl"


def read_table_path(file: Path) -> Path | None:
    """Return the path of the table; None if this is no such file."""
    if file.suffix != PATH_SUFFIX:
        return None
    with suppress(OSError):
        return Path(file.read_text(errors="surrogateescape").strip())
    return None


def remove_table_paths(backup: Path) -> None:
    """Let all tables of a backup lie in its data directory, where mariadb-backup has put them.

    At such a path, this node may have a table of its old data.
    """
    for file in backup.glob(f"*/*{PATH_SUFFIX}"):
        atomic_file.remove_file(file)
