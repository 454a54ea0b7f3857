"""Writes docs/reference/failures.md from the rows themselves: `python -m tests.failures.page FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.failures.row import Ending, Expectation, FailureRow
from tests.failures.rows import AREAS

INTRODUCTION = """\
# What goes wrong, and what the agent says

Written by `make docs` from the rows of `tests/failures`, each of which makes its failure on real servers: change those,
not this page. `make test-faults` plays all of them on MariaDB 10.11, MariaDB 11.8 and MySQL 9.7 and prints in full what
was said; the quick ones are part of `make test`.

| ending | meaning |
|---|---|
| *ready* | it passed by itself, or the agent repaired it |
| *at the deadline* | it may pass, so it is waited for; FAILURE then names the condition and the reason |
| *at once* | it will not pass without a person: FAILURE is said at once, and nothing is touched |
| *refused* | the document itself: nothing is tried |

After either FAILURE the agent goes on looking: once the cause is gone it says SUCCESS. No row loses an acknowledged row
of data, and none holds a pass beyond its deadline.
"""
WORDS = {
    Ending.READY: "ready",
    Ending.LATE: "at the deadline",
    Ending.FINAL: "at once",
    Ending.INVALID: "refused",
}


def render_page() -> str:
    """The whole page."""
    lines = [INTRODUCTION]
    for area in AREAS:
        lines += [
            f"## {area.title[0].upper()}{area.title[1:]}\n",
            "| what happens | MariaDB | MySQL |",
            "|---|---|---|",
        ]
        lines += [_line(row) for row in area.rows]
        lines.append("")
    return "\n".join(lines)


def _line(row: FailureRow) -> str:
    mariadb = [row.select_expectation(name, "mariadb") for name in ("mariadb1011", "mariadb118")]
    both = dict.fromkeys(_said(says) for says in mariadb)
    return f"| {row.title} | {'; 11.8: '.join(both)} | {_said(row.select_expectation('mysql97', 'mysql'))} |"


def _said(says: Expectation | None) -> str:
    if says is None:
        return "–"
    about = ": ".join(part for part in (f"`{says.condition}`" if says.condition else "", says.text) if part)
    return f"*{WORDS[says.ending]}*" + (f" {about}" if about else "")


def main(arguments: Iterator[str]) -> None:
    Path(next(arguments)).write_text(render_page())


if __name__ == "__main__":
    main(iter(sys.argv[1:]))
