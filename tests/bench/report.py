"""What was measured, as text for people and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median

from tests.bench.clusters import ClusterRow
from tests.bench.machine import describe_machine, divide_medians, format_ratio
from tests.bench.plot import BLUE, GREEN, GREY, Bar, draw_bars
from tests.bench.signal_load import Load
from tests.bench.templates import CFN, HOT, PLAIN

NAMES: Mapping[str, str] = {PLAIN: "plain, 2013", CFN: "ours, CFN", HOT: "ours, HOT"}
COLOURS: Mapping[str, str] = {PLAIN: GREY, CFN: BLUE, HOT: GREEN}
TITLE = "Seconds from the request to CREATE_COMPLETE on a real Heat, guests that only answer"


def format_table(rows: Sequence[ClusterRow], load: Load) -> str:
    """Markdown, as it stands in docs/explanation/performance.md."""
    lines = [
        "| cluster | template | create, min | create, median | ratio to plain | delete, median | ratio to plain |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        plain = find_plain_row(row, rows)
        lines.append(
            f"| 1 + {row.replicas} | {NAMES[row.kind]} | {format_fastest(row)} | {format_median(row.created)} "
            f"| {format_ratio(row.created, plain.created)} | {format_median(row.deleted)} "
            f"| {format_ratio(row.deleted, plain.deleted)} |"
        )
    lines += [
        "",
        f"The fake Heat: {load.rate:.0f} signals a second, and {load.bytes_per_stack / 1024:.0f} KiB a stack "
        f"({load.after / 2**20:.0f} MiB with {load.stacks} stacks, {load.before / 2**20:.0f} MiB with none).",
    ]
    return "\n".join(lines)


def describe_rows(rows: Sequence[ClusterRow]) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "replicas": row.replicas,
            "template": row.kind,
            "created": row.created,
            "deleted": row.deleted,
            "hung": row.hung,
            "create_ratio": divide_medians(row.created, find_plain_row(row, rows).created),
            "delete_ratio": divide_medians(row.deleted, find_plain_row(row, rows).deleted),
        }
        for row in rows
    ]


def plot_rows(rows: Sequence[ClusterRow]) -> str:
    """Seconds to CREATE_COMPLETE, a group of bars for each size; what hung every time has no bar."""
    groups = [
        [Bar(f"1 + {size}: {NAMES[row.kind]}", COLOURS[row.kind], row.created) for row in of_one_size]
        for size, of_one_size in groupby([row for row in rows if row.created], lambda row: row.replicas)
    ]
    return draw_bars(TITLE, describe_machine(), groups)


def find_plain_row(row: ClusterRow, rows: Sequence[ClusterRow]) -> ClusterRow:
    """The plain template's row of the same size; one with nothing where it was not measured."""
    same = (each for each in rows if (each.replicas, each.kind) == (row.replicas, PLAIN))
    return next(same, ClusterRow(row.replicas, PLAIN, (), ()))


def format_fastest(row: ClusterRow) -> str:
    """Of those that came to their end, and how many did not."""
    told = [f"{min(row.created):.1f} s"] if row.created else []
    if row.hung:
        told.append(f"{row.hung} of {row.hung + len(row.created)} hung")
    return ", ".join(told)


def format_median(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} s" if seconds else "-"
