"""Results of the bench, as text for people and as data."""

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
    """Format the tables in Markdown for docs/explanation/performance.md."""
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
    """Describe the rows for JSON."""
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
    """Plot the seconds to CREATE_COMPLETE, with a group of bars for each size; a kind that always hung has no bar."""
    groups = [
        [Bar(f"1 + {size}: {NAMES[row.kind]}", COLOURS[row.kind], row.created) for row in of_one_size]
        for size, of_one_size in groupby([row for row in rows if row.created], lambda row: row.replicas)
    ]
    return draw_bars(TITLE, describe_machine(), groups)


def find_plain_row(row: ClusterRow, rows: Sequence[ClusterRow]) -> ClusterRow:
    """Return the row of the plain template of the same size; an empty one if it was not measured."""
    same = (each for each in rows if (each.replicas, each.kind) == (row.replicas, PLAIN))
    return next(same, ClusterRow(row.replicas, PLAIN, (), ()))


def format_fastest(row: ClusterRow) -> str:
    """Format the fastest repetition, and the number of hung ones."""
    cells = [f"{min(row.created):.1f} s"] if row.created else []
    if row.hung:
        cells.append(f"{row.hung} of {row.hung + len(row.created)} hung")
    return ", ".join(cells)


def format_median(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} s" if seconds else "-"
