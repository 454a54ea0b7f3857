"""About how large a backup of a data directory is. Logs are not copied."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

LOG_PREFIXES = ("ib_logfile", "ibtmp", "aria_log.", "ib_buffer_pool", "guestagent-")
LOG_SUFFIXES = (".log", ".err", ".pid", ".pem")


def measure_data(data_directory: str, variables: Mapping[str, str]) -> int:
    """Sum up the sizes of the files of data. A file that goes away meanwhile does not count."""
    names = (Path(variables.get(name) or "-").name for name in ("log_bin_basename", "relay_log"))
    prefixes = (*LOG_PREFIXES, *(f"{name}." for name in names))
    return sum(_iterate_sizes(Path(data_directory), prefixes))


def _iterate_sizes(folder: Path, prefixes: tuple[str, ...]) -> Iterator[int]:
    for parent, folders, names in os.walk(folder):
        if Path(parent) == folder:
            folders[:] = [name for name in folders if not name.startswith(prefixes)]
            names = [
                name for name in names if not name.startswith(prefixes) and not name.endswith(LOG_SUFFIXES)
            ]
        for name in names:
            with suppress(OSError):
                yield Path(parent, name).lstat().st_size
