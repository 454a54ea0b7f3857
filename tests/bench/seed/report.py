"""Results of the bench, as text for people and as data, with the goal of each ratio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from statistics import median

from tests.bench.machine import describe_machine
from tests.bench.plot import BLUE, GREEN, GREY, Bar, draw_bars
from tests.bench.seed.seed_rows import SeedRow
from tests.bench.seed.seed_run import SeedRun

MIB = 1 << 20
RATE_GOAL = 0.9
STALL_GOAL_S = 1.0
TITLE = "Seconds of a seed's transfer beside its floor, and of the whole seed"
FLOOR = "floor"
Quantity = Callable[[SeedRun], float]


def format_report(rows: Sequence[SeedRow]) -> str:
    """Format the tables in Markdown for docs/explanation/performance.md."""
    return "\n\n".join(
        "\n".join(table) for table in (format_runs(rows), format_goals(rows), format_phases(rows))
    )


def format_runs(rows: Sequence[SeedRow]) -> list[str]:
    """Format the medians of each method and of its floor. A stall is the longest of all repetitions."""
    lines = [
        "| server | who | total | transfer | data | rate | on the wire | longest stall | CPU, source | CPU, replica |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for kind, runs in ((FLOOR, row.floors), (row.method, row.seeds)):
            cells = (
                format_median(runs, lambda run: run.total_s, "{:.1f} s"),
                format_median(runs, lambda run: run.transfer_s, "{:.1f} s"),
                format_median(runs, lambda run: run.data_bytes / MIB, "{:.0f} MiB"),
                format_median(runs, lambda run: run.rate / MIB, "{:.0f} MiB/s"),
                format_median(runs, lambda run: run.wire_bytes / MIB, "{:.0f} MiB"),
                f"{max(run.stall_s for run in runs):.2f} s",
                format_median(runs, lambda run: run.source_cpu_s, "{:.1f} s"),
                format_median(runs, lambda run: run.replica_cpu_s, "{:.1f} s"),
            )
            lines.append(f"| {row.flavour} | {kind} | {' | '.join(cells)} |")
    return lines


def format_goals(rows: Sequence[SeedRow]) -> list[str]:
    """Format how each method compares with its floor."""
    lines = [
        f"| server | method | rate to the floor's (at least {RATE_GOAL}) | bytes on the wire to the floor's"
        f" | longest stall beyond the floor's (at most {STALL_GOAL_S:g} s) |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        rate = f"{row.rate_ratio:.2f}, {format_result(row.rate_ratio >= RATE_GOAL)}"
        stall = f"{row.added_stall_s:+.2f} s, {format_result(row.added_stall_s <= STALL_GOAL_S)}"
        lines.append(f"| {row.flavour} | {row.method} | {rate} | {row.wire_ratio:.2f} | {stall} |")
    return lines


def format_phases(rows: Sequence[SeedRow]) -> list[str]:
    """Format the median seconds of each phase of the seeds."""
    lines = ["| server | method | phases, in seconds |", "|---|---|---|"]
    for row in rows:
        names = dict.fromkeys(name for run in row.seeds for name in run.phases)
        phases = (f"{name} {median(run.phases.get(name, 0.0) for run in row.seeds):.1f}" for name in names)
        lines.append(f"| {row.flavour} | {row.method} | {', '.join(phases)} |")
    return lines


def describe_rows(rows: Sequence[SeedRow]) -> dict[str, object]:
    """Describe the rows for JSON."""
    return {
        "seeds": [
            asdict(row)
            | {
                "rate_ratio": row.rate_ratio,
                "wire_ratio": row.wire_ratio,
                "added_stall_s": row.added_stall_s,
            }
            for row in rows
        ]
    }


def plot_rows(rows: Sequence[SeedRow], about: str = "") -> str:
    """Plot for each server the transfers of floor and seed, and the whole seed."""
    groups = [
        [
            Bar(f"{row.flavour}: floor", GREY, tuple(run.transfer_s for run in row.floors)),
            Bar(f"{row.method}, transfer", BLUE, tuple(run.transfer_s for run in row.seeds)),
            Bar(f"{row.method}, in total", GREEN, tuple(run.total_s for run in row.seeds)),
        ]
        for row in rows
    ]
    return draw_bars(TITLE, describe_machine() + about, groups)


def format_median(runs: Sequence[SeedRun], quantity: Quantity, pattern: str) -> str:
    return pattern.format(median(quantity(run) for run in runs))


def format_result(is_reached: bool) -> str:
    return "reached" if is_reached else "**missed**"
