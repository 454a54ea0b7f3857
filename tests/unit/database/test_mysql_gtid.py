"""GTID sets of MySQL: parsing, writing, subtracting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mysql.gtid import MysqlHistory, Origin

A, B = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4f22fa47-71ca-11e1-9e33-c80aa9429562"
ORIGINS: list[Origin] = [(A, ""), (A, "backup"), (A, "_x1"), (B, "")]
EXECUTED = st.dictionaries(st.sampled_from(ORIGINS), st.sets(st.integers(1, 12), min_size=1), max_size=4)
EMPTY = MysqlHistory()


def parse_history(text: str) -> MysqlHistory:
    return MysqlHistory.parse(text)


def build_history(executed: dict[Origin, set[int]]) -> MysqlHistory:
    """Build a history from a text with single numbers."""
    return MysqlHistory.parse(
        *(f"{uuid}{f':{tag}' if tag else ''}:{n}" for (uuid, tag), ns in executed.items() for n in ns)
    )


def list_numbers(history: MysqlHistory) -> set[tuple[Origin, int]]:
    return {
        (origin, number)
        for origin, intervals in history.intervals.items()
        for first, last in intervals
        for number in range(first, last + 1)
    }


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        (f"{A}:1", f"{A}:1"),
        (f"{A}:1-5:7", f"{A}:1-5:7"),
        (f"{A}:1-5:6:8-9:9", f"{A}:1-6:8-9"),
        (f"{A.upper()}:1-5,\n{B}:1", f"{A}:1-5,{B}:1"),
        (f"{B}:1, {A}:2 , {A}:1", f"{A}:1-2,{B}:1"),
        (f"{A}:backup:1-3", f"{A}:backup:1-3"),
        (f"{A}:1-5:backup:1-3:7:_x1:4", f"{A}:1-5:_x1:4:backup:1-3:7"),
        (f"{A}:backup:1,{A}:1", f"{A}:1:backup:1"),
    ],
)
def test_a_set_is_written_as_the_server_does(text: str, written: str) -> None:
    assert str(parse_history(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "0-1-42",
        A,
        f"{A}:",
        f"{A}:0",
        f"{A}:5-4",
        f"{A}:1-",
        f"{A}:1x",
        f"{A}:1;{B}:1",
        f"{A}:{'x' * 33}:1",
        "x:1",
    ],
)
def test_any_other_text_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="GTID set"):
        parse_history(text)


def test_a_gap_is_not_contained() -> None:
    assert parse_history(f"{A}:1-9").contains(parse_history(f"{A}:1-4:6-9"))
    assert not parse_history(f"{A}:1-4:6-9").contains(parse_history(f"{A}:5"))


def test_a_tag_is_a_separate_origin() -> None:
    assert not parse_history(f"{A}:1-9").contains(parse_history(f"{A}:backup:1"))
    assert parse_history(f"{A}:1-9:backup:1").format_difference(parse_history(f"{A}:1-9")) == f"{A}:backup:1"


def test_an_errant_transaction_is_listed() -> None:
    assert parse_history(f"{A}:1-100,{B}:1-2").format_difference(parse_history(f"{A}:1-200")) == f"{B}:1-2"


def test_the_largest_numbers_are_supported() -> None:
    most = 2**63 - 2

    assert (
        parse_history(f"{A}:1-{most}").format_difference(parse_history(f"{A}:2-{most - 1}"))
        == f"{A}:1:{most}"
    )


def test_histories_of_two_families_are_not_compared() -> None:
    with pytest.raises(TypeError):
        EMPTY.contains(MariadbHistory())
    with pytest.raises(TypeError):
        MariadbHistory().format_difference(EMPTY)


@given(EXECUTED)
def test_a_written_set_is_parsed_to_the_same_history(executed: dict[Origin, set[int]]) -> None:
    one = build_history(executed)

    assert MysqlHistory.parse(str(one)) == one
    assert list_numbers(one) == {(origin, n) for origin, ns in executed.items() for n in ns}


@given(EXECUTED, EXECUTED)
def test_sets_are_subtracted_and_contained_as_sets_of_numbers_are(
    this: dict[Origin, set[int]], that: dict[Origin, set[int]]
) -> None:
    one, other = build_history(this), build_history(that)

    assert list_numbers(one.subtract(other)) == list_numbers(one) - list_numbers(other)
    assert MysqlHistory.parse(one.format_difference(other)) == one.subtract(other)
    assert one.contains(other) == (list_numbers(one) >= list_numbers(other))


@given(EXECUTED, EXECUTED)
def test_a_union_is_the_union_of_the_numbers(
    this: dict[Origin, set[int]], that: dict[Origin, set[int]]
) -> None:
    both = MysqlHistory.parse(str(build_history(this)), str(build_history(that)))

    assert list_numbers(both) == list_numbers(build_history(this)) | list_numbers(build_history(that))


@given(EXECUTED)
def test_intervals_are_neither_adjacent_nor_overlapping(executed: dict[Origin, set[int]]) -> None:
    for intervals in build_history(executed).intervals.values():
        ends = [end for _, end in intervals]
        assert all(start > end + 1 for (start, _), end in zip(intervals[1:], ends, strict=False))
