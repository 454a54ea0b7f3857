"""What was measured, as text for people and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median

from tests.bench.clusters import Row
from tests.bench.machine import machine, quotient, ratio
from tests.bench.plot import BLUE, GREEN, GREY, Bar, drawn
from tests.bench.signals import Load
from tests.bench.templates import CFN, HOT, PLAIN

NAMES: Mapping[str, str] = {PLAIN: "plain, 2013", CFN: "ours, CFN", HOT: "ours, HOT"}
COLOURS: Mapping[str, str] = {PLAIN: GREY, CFN: BLUE, HOT: GREEN}
TITLE = "Seconds from the request to CREATE_COMPLETE on a real Heat, guests that only answer"


def table(rows: Sequence[Row], load: Load) -> str:
    """Markdown, as it stands in docs/explanation/performance.md."""
    lines = [
        "| cluster | template | create, min | create, median | ratio to plain | delete, median | ratio to plain |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        plain = beside(row, rows)
        lines.append(
            f"| 1 + {row.replicas} | {NAMES[row.kind]} | {fastest(row)} | {usual(row.created)} "
            f"| {ratio(row.created, plain.created)} | {usual(row.deleted)} | {ratio(row.deleted, plain.deleted)} |"
        )
    lines += [
        "",
        f"The fake Heat: {load.rate:.0f} signals a second, and {load.bytes_a_stack / 1024:.0f} KiB a stack "
        f"({load.after / 2**20:.0f} MiB with {load.stacks} stacks, {load.before / 2**20:.0f} MiB with none).",
    ]
    return "\n".join(lines)


def told(rows: Sequence[Row]) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "replicas": row.replicas,
            "template": row.kind,
            "created": row.created,
            "deleted": row.deleted,
            "hung": row.hung,
            "create_ratio": quotient(row.created, beside(row, rows).created),
            "delete_ratio": quotient(row.deleted, beside(row, rows).deleted),
        }
        for row in rows
    ]


def plot(rows: Sequence[Row]) -> str:
    """Seconds to CREATE_COMPLETE, a group of bars for each size; what hung every time has no bar."""
    groups = [
        [Bar(f"1 + {size}: {NAMES[row.kind]}", COLOURS[row.kind], row.created) for row in of_one_size]
        for size, of_one_size in groupby([row for row in rows if row.created], lambda row: row.replicas)
    ]
    return drawn(TITLE, machine(), groups)


def beside(row: Row, rows: Sequence[Row]) -> Row:
    """The plain template's row of the same size; one with nothing where it was not measured."""
    same = (each for each in rows if (each.replicas, each.kind) == (row.replicas, PLAIN))
    return next(same, Row(row.replicas, PLAIN, (), ()))


def fastest(row: Row) -> str:
    """Of those that came to their end, and how many did not."""
    told = [f"{min(row.created):.1f} s"] if row.created else []
    if row.hung:
        told.append(f"{row.hung} of {row.hung + len(row.created)} hung")
    return ", ".join(told)


def usual(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} s" if seconds else "-"
