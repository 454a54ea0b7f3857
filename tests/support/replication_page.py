"""The names that docs/reference/replication.md lists, by heading and altogether."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/reference/replication.md"
NAME = re.compile(r"`([A-Za-z][A-Za-z0-9_]+)`")


def list_names_under(heading: str, columns: int = 1) -> set[str]:
    """Return the names in the first columns of the tables under a heading."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = (line.split("|")[1 : 1 + columns] for line in section.splitlines() if line.startswith("|"))
    return {name for cells in rows for cell in cells for name in NAME.findall(cell)}


def list_all_names() -> set[str]:
    """Return every name on the page in lower case."""
    return {name.lower() for name in NAME.findall(PAGE.read_text())}
