"""The report of the bench of quiet passes."""

from __future__ import annotations

from tests.bench.passes.report import PassRow, describe_rows, format_table

ROWS = [
    PassRow("mysql97", "a source with 9 accounts", here=(0.02, 0.04, 0.03), beside=(0.5, 0.7, 0.6)),
    PassRow("mysql97", "a replica", here=(0.1,)),
]


def test_a_ratio_is_of_medians_to_the_other_checkout() -> None:
    assert [row["ratio"] for row in describe_rows(ROWS)] == [0.05, None]


def test_the_table_has_both_times_if_there_are_two() -> None:
    assert format_table(ROWS).splitlines()[2:] == [
        "| mysql97 | a source with 9 accounts | 0.600 s | 0.030 s | 0.05 |",
        "| mysql97 | a replica | - | 0.100 s | - |",
    ]
