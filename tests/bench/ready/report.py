"""Results of the bench, as text for people and as data; ratios compare medians with the script's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from statistics import median

from tests.bench.machine import describe_machine, divide_medians, format_ratio
from tests.bench.plot import BLUE, GREEN, GREY, Bar, draw_bars
from tests.bench.ready.contestants import APPLY, ENCRYPTED, RESIDENT, SCRIPT
from tests.bench.ready.costs import Cost
from tests.bench.ready.timing import ReadyRow

NAMES: Mapping[str, str] = {
    SCRIPT: "script",
    RESIDENT: "ours, resident",
    ENCRYPTED: "ours, resident, over TLS",
    APPLY: "ours, `apply`",
}
COLOURS: Mapping[str, str] = {SCRIPT: GREY, RESIDENT: BLUE, ENCRYPTED: BLUE, APPLY: GREEN}
PHASES = ("server", "apply", "verify")
TITLE = "Seconds from the metadata to the accepted SUCCESS"


def format_table(rows: Sequence[ReadyRow], costs: Sequence[Cost]) -> str:
    """Format the tables in Markdown for docs/explanation/performance.md."""
    lines = ["| server | role | who | fastest | median | ratio to the script |", "|---|---|---|---|---|---|"]
    for row in rows:
        ratio = format_ratio(row.seconds, find_script_seconds(row, rows))
        times = f"{min(row.seconds):.3f} s | {median(row.seconds):.3f} s | {ratio}"
        lines.append(f"| {row.flavour} | {row.role} | {NAMES[row.kind]} | {times} |")
    lines += ["", *format_phases(rows)]
    lines += ["", "| server | what | ours | beside | theirs | ratio |", "|---|---|---|---|---|---|"]
    for cost in costs:
        agent_cost, script_cost = (f"{value:.1f} {cost.unit}" for value in (cost.ours, cost.theirs))
        cells = (
            cost.flavour,
            cost.what,
            agent_cost,
            cost.beside,
            script_cost,
            f"{cost.ours / cost.theirs:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def format_phases(rows: Sequence[ReadyRow]) -> list[str]:
    """Format the phases of the agent. The delivery before them and the signal after them belong to no phase."""
    lines = [
        "| server | role | who | hand-over and signal | first look | steps | proof |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.kind != SCRIPT:
            rest = [took.seconds - sum(took.phases.values()) for took in row.took]
            parts = [rest, *([took.phases[phase] for took in row.took] for phase in PHASES)]
            spent = " | ".join(f"{median(part):.3f} s" for part in parts)
            lines.append(f"| {row.flavour} | {row.role} | {NAMES[row.kind]} | {spent} |")
    return lines


def describe_rows(rows: Sequence[ReadyRow], costs: Sequence[Cost]) -> dict[str, object]:
    """Describe the rows for JSON."""
    ready = [
        asdict(row) | {"ratio": divide_medians(row.seconds, find_script_seconds(row, rows))} for row in rows
    ]
    return {"ready": ready, "costs": [asdict(cost) | {"ratio": cost.ours / cost.theirs} for cost in costs]}


def plot_rows(rows: Sequence[ReadyRow], about: str = "") -> str:
    """Plot a group of bars for each server and role."""
    groups = [
        [Bar(f"{server}, {role}: {row.kind}", COLOURS[row.kind], row.seconds) for row in group]
        for (server, role), group in groupby(rows, lambda row: (row.flavour, row.role))
    ]
    return draw_bars(TITLE, describe_machine() + about, groups)


def find_script_seconds(row: ReadyRow, rows: Sequence[ReadyRow]) -> tuple[float, ...]:
    """Return the script's seconds on the same server in the same role."""
    key = (row.flavour, row.role, SCRIPT)
    return next(each.seconds for each in rows if (each.flavour, each.role, each.kind) == key)
