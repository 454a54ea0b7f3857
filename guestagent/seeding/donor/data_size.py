"""About how large a backup of a data directory is. Logs are not copied; tables that lie elsewhere are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from guestagent.seeding.table_paths import read_table_path

LOG_PREFIXES = ("ib_logfile", "ibtmp", "aria_log.", "ib_buffer_pool", "guestagent-")
LOG_SUFFIXES = (".log", ".err", ".pid", ".pem")


def measure_data(data_directory: str, variables: Mapping[str, str]) -> int:
    """Sum up the sizes of the files of data. A file that goes away meanwhile does not count."""
    names = (Path(variables.get(name) or "-").name for name in ("log_bin_basename", "relay_log"))
    prefixes = (*LOG_PREFIXES, *(f"{name}." for name in names))
    return sum(_iterate_sizes(Path(data_directory), prefixes))


def _iterate_sizes(folder: Path, prefixes: tuple[str, ...]) -> Iterator[int]:
    for path in folder.iterdir():
        if path.name.startswith(prefixes):
            continue
        if path.is_dir():
            yield from _iterate_table_sizes(path)
        elif not path.name.endswith(LOG_SUFFIXES):
            yield _measure_file(path)


def _iterate_table_sizes(folder: Path) -> Iterator[int]:
    """Iterate over the files of a schema, which may be a link, as may be its files."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            yield _measure_file(path)
            table = read_table_path(path)
            if table is not None:
                yield _measure_file(table)


def _measure_file(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
