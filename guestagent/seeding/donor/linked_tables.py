"""Tables whose files are links, of which mariadb-backup cannot copy those of one engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from guestagent.errors import SeedError

ARIA_FILES = "*/*.MA[DI]"
SHOWN_TABLES_LIMIT = 5
ADVICE = "convert them at the source (ALTER TABLE .. ENGINE = InnoDB), or choose Method: dump"


def check_linked_tables(data_directory: str) -> None:
    """Raise SeedError if there are tables that no backup can bring. It would fail, at every attempt."""
    names = sorted(set(_iterate_linked_tables(Path(data_directory))))
    if names:
        shown = ", ".join(names[:SHOWN_TABLES_LIMIT])
        raise SeedError(f"mariadb-backup cannot copy Aria tables with a DATA DIRECTORY: {shown}", ADVICE)


def _iterate_linked_tables(folder: Path) -> Iterator[str]:
    for path in folder.glob(ARIA_FILES):
        if path.is_symlink():
            yield f"{path.parent.name}.{path.stem}"
