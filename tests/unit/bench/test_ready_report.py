"""The report of the bench of readiness."""

from __future__ import annotations

from tests.bench.machine import describe_machine
from tests.bench.ready.bench_nodes import REPLICA, SOURCE
from tests.bench.ready.contestants import APPLY, RESIDENT, SCRIPT
from tests.bench.ready.costs import Cost
from tests.bench.ready.report import describe_rows, format_table, plot_rows
from tests.bench.ready.timing import ReadyRow, Timing

PHASES = {"server": 0.1, "apply": 0.02, "verify": 0.05}


def row(role: str, kind: str, *seconds: float) -> ReadyRow:
    phases = {} if kind == SCRIPT else PHASES
    return ReadyRow("mysql97", role, kind, tuple(Timing(each, phases) for each in seconds))


ROWS = [
    row(SOURCE, SCRIPT, 0.1, 0.1, 0.1),
    row(REPLICA, SCRIPT, 0.2, 0.4, 0.3),
    row(REPLICA, RESIDENT, 0.36, 0.3, 0.9),
    row(REPLICA, APPLY, 0.6, 0.5, 0.7),
]
COSTS = [Cost("mysql97", "memory", 42.0, "the libraries", 40.0, "MiB")]


def test_a_ratio_is_of_medians_to_the_script_on_the_same_server_in_the_same_role() -> None:
    rows = describe_rows(ROWS, COSTS)["ready"]

    assert isinstance(rows, list)
    assert [round(each["ratio"], 2) for each in rows] == [1.0, 1.0, 1.2, 2.0]


def test_the_tables_have_the_times_and_what_it_costs_to_be_there() -> None:
    report = format_table(ROWS, COSTS)

    assert "| mysql97 | replica | ours, resident | 0.300 s | 0.360 s | 1.20 |" in report
    assert "| mysql97 | replica | ours, resident | 0.190 s | 0.100 s | 0.020 s | 0.050 s |" in report
    assert "| mysql97 | memory | 42.0 MiB | the libraries | 40.0 MiB | 1.05 |" in report


def test_the_plot_has_a_bar_for_each_row_and_names_its_origin() -> None:
    drawn = plot_rows(ROWS)

    assert drawn.count("<rect") == len(ROWS)
    assert describe_machine() in drawn
