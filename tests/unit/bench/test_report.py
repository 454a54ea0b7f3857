"""The report of the bench."""

from __future__ import annotations

from tests.bench.clusters import ClusterRow
from tests.bench.machine import describe_machine
from tests.bench.report import describe_rows, format_table, plot_rows
from tests.bench.signal_load import Load
from tests.bench.templates import CFN, PLAIN, build_template

ROWS = [
    ClusterRow(10, PLAIN, (10.0, 12.0, 30.0), (8.0, 8.0, 8.0)),
    ClusterRow(10, CFN, (6.0, 5.0, 9.0), (4.0, 2.0, 6.0)),
]
LOAD = Load(stacks=1000, signals=1000, seconds=4.0, before=50 * 2**20, after=80 * 2**20)


def test_a_ratio_is_of_medians_to_the_plain_template_of_the_same_size() -> None:
    first, second = describe_rows(ROWS)

    assert (first["create_ratio"], second["create_ratio"], second["delete_ratio"]) == (1.0, 0.5, 0.5)


def test_the_table_has_minimum_median_and_ratio() -> None:
    assert "| 1 + 10 | ours, CFN | 5.0 s | 6.0 s | 0.50 | 4.0 s | 0.50 |" in format_table(ROWS, LOAD)
    assert "250 signals a second" in format_table(ROWS, LOAD)


def test_a_template_that_hung_every_time_is_reported_without_a_ratio() -> None:
    rows = [ClusterRow(50, PLAIN, (), (), hung=2), ClusterRow(50, CFN, (60.0,), (20.0,), hung=1)]

    report = format_table(rows, LOAD)

    assert "| 1 + 50 | plain, 2013 | 2 of 2 hung | - | - | - | - |" in report
    assert "| 1 + 50 | ours, CFN | 60.0 s, 1 of 2 hung | 60.0 s | - | 20.0 s | - |" in report
    assert describe_rows(rows)[1]["create_ratio"] is None
    assert plot_rows(rows).count("<rect") == 1


def test_the_plot_has_a_bar_for_each_row_and_names_its_origin() -> None:
    drawn = plot_rows(ROWS)

    assert drawn.count("<rect") == 2
    assert describe_machine() in drawn


def test_in_the_plain_template_no_handle_waits_for_anything() -> None:
    resources = build_template(PLAIN, 10, "subnet")["Resources"]

    handles = [each for each in resources.values() if each["Type"].endswith("WaitConditionHandle")]
    assert len(handles) == 11
    assert all(each.keys() == {"Type"} for each in handles)
