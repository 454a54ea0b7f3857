"""GTID histories of MariaDB: parsing, comparing, merging."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.database.mariadb.gtid import MariadbHistory

HISTORIES = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(1, 4)), st.integers(1, 9), max_size=6
).map(MariadbHistory)
EMPTY = MariadbHistory()


def parse_history(text: str) -> MariadbHistory:
    return MariadbHistory.parse(text)


def format_positions(last: Mapping[tuple[int, int], int]) -> str:
    return ",".join(f"{domain}-{server}-{number}" for (domain, server), number in last.items())


def test_a_position_contains_all_earlier_transactions() -> None:
    assert parse_history("0-2-42").contains(parse_history("0-2-41"))
    assert not parse_history("0-2-42").contains(parse_history("0-2-43"))
    assert not parse_history("0-2-42").contains(parse_history("1-2-1"))


@pytest.mark.parametrize(
    ("replica", "source"), [("0-1-100", "0-2-120"), ("0-1-120", "0-2-100"), ("0-2-42", "0-1-41")]
)
def test_a_number_of_another_server_proves_nothing(replica: str, source: str) -> None:
    assert not parse_history(replica).contains(parse_history(source))


def test_the_last_gtid_of_a_domain_contains_earlier_ones_of_other_servers() -> None:
    assert parse_history("0-1-100").contains(parse_history("0-7-50,0-1-100"))


def test_the_last_gtid_of_a_domain_is_the_one_logged_last_and_not_the_highest() -> None:
    assert not parse_history("0-1-100").contains(parse_history("0-1-100,0-7-50"))


def test_a_binary_log_continues_what_came_over_a_channel() -> None:
    both = MariadbHistory.parse("0-7-50", "0-7-50,0-1-51")

    assert parse_history("0-1-51").contains(both)
    assert not parse_history("0-7-50").contains(both)


def test_ten_thousand_domains_are_compared_at_once() -> None:
    many = parse_history(",".join(f"{domain}-{server}-7" for domain in range(2500) for server in range(1, 5)))
    started = time.perf_counter()

    assert many.contains(many)
    assert many.format_difference(many) == ""

    assert time.perf_counter() - started < 0.5


def test_the_difference_of_two_histories_is_listed() -> None:
    assert parse_history("0-1-5,0-2-7").format_difference(parse_history("0-1-6")) == "0-2-7"
    assert parse_history("0-1-5,1-1-1").format_difference(parse_history("0-1-4")) == "0-1-5,1-1-1"
    assert parse_history("0-1-5").format_difference(parse_history("0-1-5,0-2-6")) == ""


def test_a_local_write_differs_from_a_source_with_higher_numbers() -> None:
    assert parse_history("0-1-5,0-2-6").format_difference(parse_history("0-1-100")) == "0-2-6"


def test_a_history_is_written_as_the_newest_gtid_of_each_domain() -> None:
    assert str(parse_history("0-1-5,0-2-7,1-3-2")) == "0-2-7,1-3-2"
    assert str(EMPTY) == ""


@pytest.mark.parametrize("nothing", ["", None, " , "])
def test_no_position_is_an_empty_history(nothing: str | None) -> None:
    assert MariadbHistory.parse(nothing).is_empty


@pytest.mark.parametrize(
    "text", ["0-1", "0-1-2-3", "a-b-c", "0-1-2;0-1-3", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"]
)
def test_any_other_text_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        MariadbHistory.parse(text)


def test_histories_of_two_families_are_not_compared() -> None:
    class Other:
        is_empty = True
        family = "Other"
        origins: frozenset[str] = frozenset()

        @classmethod
        def parse(cls, *sets: str | None) -> Other:
            return cls()

        @property
        def newest_gtids(self) -> Other:
            return self

        def contains(self, other: object) -> bool:
            return True

        def format_difference(self, other: object) -> str:
            return ""

    with pytest.raises(TypeError):
        EMPTY.contains(Other())


@given(HISTORIES)
def test_a_history_contains_itself_and_the_empty_one(one: MariadbHistory) -> None:
    assert one.contains(one)
    assert one.contains(EMPTY)
    assert one.format_difference(one) == ""


@given(HISTORIES, HISTORIES)
def test_a_history_without_a_difference_is_contained(one: MariadbHistory, other: MariadbHistory) -> None:
    assert one.format_difference(other) != "" or other.contains(one)


@given(HISTORIES, HISTORIES, HISTORIES)
def test_containing_is_transitive(one: MariadbHistory, two: MariadbHistory, three: MariadbHistory) -> None:
    assert not (one.contains(two) and two.contains(three)) or one.contains(three)


@given(HISTORIES, HISTORIES)
def test_a_union_contains_both(one: MariadbHistory, other: MariadbHistory) -> None:
    both = MariadbHistory.parse(
        format_positions(one.sequence_numbers), format_positions(other.sequence_numbers)
    )

    assert both.contains(one)
    assert both.contains(other)
    assert (one.format_difference(both), other.format_difference(both)) == ("", "")


@given(HISTORIES)
def test_the_difference_from_an_empty_history_is_everything(one: MariadbHistory) -> None:
    assert MariadbHistory.parse(one.format_difference(EMPTY)) == one


@pytest.mark.parametrize("newest", [1, 2, 3, 70, 72, 100, 1000])
def test_a_union_of_positions_keeps_which_server_wrote_last(newest: int) -> None:
    older = ",".join(f"0-{server}-{server}" for server in (1, 2, 3, 70, 72, 100, 1000) if server != newest)
    source = MariadbHistory.parse(f"{older},0-{newest}-2000").merge(MariadbHistory.parse("0-1-1"))

    assert not MariadbHistory.parse(older).contains(source)
    assert MariadbHistory.parse(f"0-{newest}-2000").contains(source)
