"""What was measured, as text for people and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median

from tests.bench.clusters import Row
from tests.bench.machine import machine, ratio
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
            f"| 1 + {row.replicas} | {NAMES[row.kind]} | {row.fastest:.1f} s | {row.usual:.1f} s "
            f"| {ratio(row.created, plain.created)} | {median(row.deleted):.1f} s "
            f"| {ratio(row.deleted, plain.deleted)} |"
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
            "create_ratio": median(row.created) / median(beside(row, rows).created),
            "delete_ratio": median(row.deleted) / median(beside(row, rows).deleted),
        }
        for row in rows
    ]


def plot(rows: Sequence[Row]) -> str:
    """Seconds to CREATE_COMPLETE, a group of bars for each size."""
    groups = [
        [Bar(f"1 + {size}: {NAMES[row.kind]}", COLOURS[row.kind], row.created) for row in of_one_size]
        for size, of_one_size in groupby(rows, lambda row: row.replicas)
    ]
    return drawn(TITLE, machine(), groups)


def beside(row: Row, rows: Sequence[Row]) -> Row:
    """The plain template's row of the same size."""
    return next(each for each in rows if (each.replicas, each.kind) == (row.replicas, PLAIN))

