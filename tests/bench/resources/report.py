"""Costs of the resource manager, as text for people and as data, with the goal of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles

from tests.bench.machine import describe_machine
from tests.bench.plot import BLUE, GREY, Bar, draw_bars
from tests.bench.resources.measurements import Creations, Latencies, Rest

ACCEPTANCE_GOAL_S = 0.2
GETS_GOAL = 8
CPU_GOAL = 0.05
MEMORY_GOAL_MIB = 120
CREATIONS_GOAL = 2.0
TITLE = "Seconds of a call to the resource manager over RabbitMQ, with many callers at once"


@dataclass(frozen=True, slots=True)
class ResourceCosts:
    """All that is measured of one service."""

    latencies: Latencies
    few: Creations
    many: Creations
    rest: Rest


def format_report(costs: ResourceCosts) -> str:
    """Format the table in Markdown for docs/explanation/performance.md."""
    lines = ["| what | measured | beside | goal | |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in list_rows(costs))])


def list_rows(costs: ResourceCosts) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each cost: what, its value, what it is compared with, its goal, and whether it is reached."""
    latencies, rest = costs.latencies, costs.rest
    callers = f"{latencies.clients} callers, {latencies.clusters} clusters at work"
    slow, slow_bare = find_percentile(latencies.accepted), find_percentile(latencies.bare)
    few, many = costs.few, costs.many
    ratio = many.seconds / few.seconds
    idle = f"{rest.instances} instances of {rest.clusters} clusters at rest"
    return [
        (
            f"accept an order, p50 ({callers})",
            f"{median(latencies.accepted) * 1000:.0f} ms",
            f"{median(latencies.bare) * 1000:.0f} ms for a call that reads nothing",
            "-",
            "",
        ),
        (
            "accept an order, p95",
            f"{slow * 1000:.0f} ms",
            f"{slow_bare * 1000:.0f} ms",
            f"{ACCEPTANCE_GOAL_S * 1000:.0f} ms",
            format_result(slow < ACCEPTANCE_GOAL_S),
        ),
        (
            "GET requests in a round, at work",
            f"{latencies.gets_per_round:.1f}",
            "-",
            f"{GETS_GOAL}",
            format_result(latencies.gets_per_round <= GETS_GOAL),
        ),
        (
            f"GET requests in a round, {idle}",
            f"{rest.gets_per_round:.1f}",
            "-",
            f"{GETS_GOAL}",
            format_result(rest.gets_per_round <= GETS_GOAL),
        ),
        (
            f"{many.clusters} creations at once",
            f"{many.seconds:.1f} s",
            f"{few.seconds:.1f} s for {few.clusters}: ratio {ratio:.1f}",
            f"{CREATIONS_GOAL:.1f}",
            format_result(ratio <= CREATIONS_GOAL),
        ),
        (
            f"the same requests of {many.clusters} creations by a bare loop",
            f"{many.bare_seconds:.1f} s",
            f"{few.bare_seconds:.1f} s for {few.clusters}: ratio {many.bare_seconds / few.bare_seconds:.1f}",
            "-",
            "",
        ),
        (
            f"processor time of the service for {many.clusters} creations",
            f"{many.cpu_seconds:.1f} s",
            f"{few.cpu_seconds:.1f} s for {few.clusters}",
            "-",
            "",
        ),
        (
            f"processor, {idle}",
            f"{rest.cpu_part * 100:.1f} % of a core",
            f"{rest.quiet_cpu_part * 100:.1f} % while no guest reads",
            f"{CPU_GOAL * 100:.0f} %",
            format_result(rest.cpu_part < CPU_GOAL),
        ),
        (
            f"memory, {idle}",
            f"{rest.memory_mib:.0f} MiB",
            f"{rest.empty_mib:.0f} MiB without clusters",
            f"{MEMORY_GOAL_MIB} MiB",
            format_result(rest.memory_mib < MEMORY_GOAL_MIB),
        ),
    ]


def describe_costs(costs: ResourceCosts) -> dict[str, object]:
    """Describe the costs for JSON."""
    latencies = costs.latencies
    percentiles = {
        name: {"p50": median(seconds), "p95": find_percentile(seconds)}
        for name, seconds in (("bare", latencies.bare), ("accepted", latencies.accepted))
    }
    return {**asdict(costs), "percentiles": percentiles}


def plot_costs(costs: ResourceCosts) -> str:
    """Plot the latencies as bars."""
    bars = [
        Bar("a call that reads nothing", GREY, costs.latencies.bare),
        Bar("an order, accepted", BLUE, costs.latencies.accepted),
    ]
    return draw_bars(TITLE, describe_machine(), [bars])


def find_percentile(seconds: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return quantiles(seconds, n=20)[-1]


def format_result(is_reached: bool) -> str:
    return "reached" if is_reached else "**missed**"
