"""The report of the bench of the resource manager."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.resources.measurements import Creations, Latencies, Rest
from tests.bench.resources.report import ResourceCosts, describe_costs, format_report, plot_costs

COSTS = ResourceCosts(
    Latencies(clients=20, clusters=20, bare=(0.01,) * 20, accepted=(0.05,) * 20, gets_per_round=6.5),
    few=Creations(5, 10.0, 1.0, 4.0),
    many=Creations(50, 30.0, 6.0, 14.0),
    rest=Rest(
        clusters=20,
        instances=200,
        seconds=60.0,
        cpu_part=0.031,
        quiet_cpu_part=0.012,
        memory_mib=121.0,
        empty_mib=90.0,
        gets_per_round=5.0,
    ),
)


def test_each_cost_has_its_goal() -> None:
    lines = format_report(COSTS).splitlines()[2:]

    assert [line.rpartition(" | ")[2] for line in lines] == [
        " |",
        "reached |",
        "reached |",
        "reached |",
        "**missed** |",
        " |",
        " |",
        "reached |",
        "**missed** |",
    ]
    assert "| 30.0 s | 10.0 s for 5: ratio 3.0 | 2.0 |" in lines[4]


def test_slow_calls_miss_the_goal() -> None:
    slow = replace(COSTS.latencies, accepted=(0.05,) * 18 + (0.9,) * 2)

    assert "**missed**" in format_report(replace(COSTS, latencies=slow)).splitlines()[3]


def test_the_data_has_percentiles() -> None:
    percentiles = describe_costs(COSTS)["percentiles"]

    assert percentiles == {"bare": {"p50": 0.01, "p95": 0.01}, "accepted": {"p50": 0.05, "p95": 0.05}}
    assert plot_costs(COSTS).count("<rect") == 2
