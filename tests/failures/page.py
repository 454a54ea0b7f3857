"""Writes docs/reference/failures.md from the rows of the failure table: `python -m tests.failures.page FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.failures.row import Ending, Expectation, FailureRow
from tests.failures.rows import AREAS

INTRODUCTION = """\
# Failures and how the agent reports them

Each row is a failure that a test causes on real database servers. The columns show how the agent reports it: whether
the node becomes ready, which check fails, and a part of the reason.

| result | meaning |
|---|---|
| *ready* | The failure is temporary, or the agent repairs it. The node becomes ready. |
| *at the deadline* | The failure may be temporary: the agent retries until the deadline, then signals FAILURE. |
| *at once* | A person has to remove the cause: the agent signals FAILURE at once and changes nothing. |
| *rejected* | The metadata is invalid. The agent changes nothing. |
| – | This server cannot fail in this way. |

A [seed](../explanation/seeding.md) retries a failure that may pass until `Seeding.Deadline`. Then its check is final,
too.

FAILURE names the failed check and the reason. Afterwards the agent keeps checking, and signals SUCCESS when the cause
is gone. In none of these cases is a committed row lost, and none makes a pass run past its deadline.

`make docs` writes this page from `tests/failures`; change the tests, not this page. `make test-faults` runs all rows on
MariaDB 10.11, MariaDB 11.8 and MySQL 9.7 and prints the complete reasons. `make test` runs the quick ones.
"""
RESULTS = {
    Ending.READY: "ready",
    Ending.LATE: "at the deadline",
    Ending.FINAL: "at once",
    Ending.INVALID: "rejected",
}


def render_page() -> str:
    """Return the page in Markdown."""
    lines = [INTRODUCTION]
    for area in AREAS:
        lines += [
            f"## {area.title[0].upper()}{area.title[1:]}\n",
            "| failure | MariaDB | MySQL |",
            "|---|---|---|",
        ]
        lines += [_format_row(row) for row in area.rows]
        lines.append("")
    return "\n".join(lines)


def _format_row(row: FailureRow) -> str:
    mariadb = [row.select_expectation(name, "mariadb") for name in ("mariadb1011", "mariadb118")]
    cells = dict.fromkeys(map(_format_expectation, mariadb))
    mysql = _format_expectation(row.select_expectation("mysql97", "mysql"))
    return f"| {row.title} | {'; 11.8: '.join(cells)} | {mysql} |"


def _format_expectation(expectation: Expectation | None) -> str:
    if expectation is None:
        return "–"
    reason = ": ".join(
        part
        for part in (f"`{expectation.condition}`" if expectation.condition else "", expectation.text)
        if part
    )
    return f"*{RESULTS[expectation.ending]}*" + (f" {reason}" if reason else "")


def main(arguments: Iterator[str]) -> None:
    Path(next(arguments)).write_text(render_page())


if __name__ == "__main__":
    main(iter(sys.argv[1:]))
