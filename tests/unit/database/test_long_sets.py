"""Long GTID sets: exact, and in linear time."""

from __future__ import annotations

from collections import UserDict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guestagent.database.gtid_history import DISPLAY_LIMIT, shorten_gtids
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mysql.gtid import Interval, MysqlHistory, Origin

A, B = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4f22fa47-71ca-11e1-9e33-c80aa9429562"
NUMBERS = st.sets(st.integers(1, 150), min_size=1)
EXECUTED = st.dictionaries(st.sampled_from([(A, ""), (A, "tag"), (B, "")]), NUMBERS)


class Comparisons:
    """How often numbers were compared."""

    count = 0


class CountedNumber(int):
    """A number that counts its comparisons. What is computed from it is an `int` and does not count."""

    def __lt__(self, other: int) -> bool:
        Comparisons.count += 1
        return int(self) < other

    def __le__(self, other: int) -> bool:
        Comparisons.count += 1
        return int(self) <= other

    def __gt__(self, other: int) -> bool:
        Comparisons.count += 1
        return int(self) > other

    def __ge__(self, other: int) -> bool:
        Comparisons.count += 1
        return int(self) >= other


class CountedPositions(UserDict[tuple[int, int], int]):
    """Positions that count how often one of them is looked at."""

    looks = 0

    def __getitem__(self, key: tuple[int, int]) -> int:
        self.looks += 1
        return super().__getitem__(key)


def build_set(count: int, shift: int = 0, spread: int = 10) -> MysqlHistory:
    """A set of `count` intervals of three numbers each."""
    starts = range(1 + shift, count * spread + 1 + shift, spread)
    intervals: list[Interval] = [(CountedNumber(start), CountedNumber(start + 2)) for start in starts]
    return MysqlHistory({(A, ""): tuple(intervals)})


def count_comparisons(one: MysqlHistory, other: MysqlHistory) -> int:
    Comparisons.count = 0
    assert not one.subtract(other).is_empty
    assert not one.contains(other)
    return Comparisons.count


def spell_numbers(executed: dict[Origin, set[int]]) -> str:
    """The numbers as nobody would spell them: one by one and from the end."""
    origins = (
        f"{uuid}{tag and f':{tag}'}:" + ":".join(map(str, sorted(numbers, reverse=True)))
        for (uuid, tag), numbers in executed.items()
    )
    return ",".join(origins)


def list_numbers(history: MysqlHistory) -> set[tuple[Origin, int]]:
    return {
        (origin, number)
        for origin, intervals in history.intervals.items()
        for first, last in intervals
        for number in range(first, last + 1)
    }


def test_twice_as_many_intervals_need_twice_as_many_comparisons() -> None:
    for shift, spread in ((1, 10), (0, 11), (5, 10), (100_000, 10)):
        once = count_comparisons(build_set(500), build_set(500, shift, spread))
        twice = count_comparisons(build_set(1000), build_set(1000, shift, spread))

        assert twice < 3 * once, f"{once} and {twice} comparisons ({shift}, {spread})"


def test_a_wide_interval_needs_no_more_comparisons() -> None:
    wide = MysqlHistory({(A, ""): ((CountedNumber(2), CountedNumber(100_000)),)})

    once = count_comparisons(build_set(500), wide)
    twice = count_comparisons(build_set(1000), wide)

    assert twice < 3 * once


def test_ten_times_as_many_domains_need_ten_times_as_many_lookups() -> None:
    looks = []
    for count in (10, 100):
        positions = CountedPositions({(domain, 1): 5 for domain in range(count)})
        assert MariadbHistory(positions).contains(MariadbHistory(dict(positions)))
        looks.append(positions.looks)

    assert looks[1] <= 10 * looks[0]


@given(EXECUTED, EXECUTED)
def test_sets_of_many_intervals_behave_as_sets_of_numbers(
    this: dict[Origin, set[int]], that: dict[Origin, set[int]]
) -> None:
    one, other = MysqlHistory.parse(spell_numbers(this)), MysqlHistory.parse(spell_numbers(that))

    naive_one = {(origin, number) for origin, numbers in this.items() for number in numbers}
    naive_other = {(origin, number) for origin, numbers in that.items() for number in numbers}
    assert list_numbers(one) == naive_one
    assert list_numbers(one.subtract(other)) == naive_one - naive_other
    assert list_numbers(MysqlHistory.parse(one.format_difference(other))) == naive_one - naive_other
    assert one.contains(other) == (naive_one >= naive_other)
    assert list_numbers(MysqlHistory.parse(str(one), str(other))) == naive_one | naive_other


def test_a_wait_contains_the_last_interval_of_some_origins() -> None:
    history = MysqlHistory.parse(f"{A}:1-5:9-12:tag:1-3,{B}:4")

    assert str(history.take_newest(8)) == f"{A}:9-12:tag:1-3,{B}:4"
    assert str(history.take_newest(2)) == f"{A}:9-12:tag:1-3"


def test_a_wait_contains_the_newest_gtid_of_some_domains_that_are_behind() -> None:
    history = MariadbHistory.parse("0-1-5,0-2-7,1-1-4,2-1-9,3-1-1")

    assert str(history.find_missing(MariadbHistory.parse("0-2-6,1-9-4"), 16)) == "0-2-7,2-1-9,3-1-1"
    assert len(history.find_missing(MariadbHistory(), 2).sequence_numbers) == 2
    assert history.find_missing(history, 16).is_empty


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (f"{A}:1-5", f"{A}:1-5"),
        (f"{A}:" + ":".join(f"{n}-{n + 1}" for n in range(1000, 9000, 4)), "and 1974 more intervals"),
        (f"{A}:tag:" + ":".join(str(n) for n in range(1001, 9000, 2)), "and 3948 more intervals"),
        (",".join(f"{n}-1-{n}" for n in range(1000, 3000)), "and 1975 more GTIDs"),
    ],
)
def test_a_long_set_is_shortened_with_a_count(text: str, shown: str) -> None:
    short = shorten_gtids(text)

    assert short.endswith(shown)
    assert len(short) < DISPLAY_LIMIT + 40


@example({(A, ""): {*range(1, 150, 2)}, (A, "tag"): {*range(1, 150, 2)}, (B, ""): {1}})
@given(EXECUTED)
def test_a_shortened_set_is_a_part_of_the_whole(executed: dict[Origin, set[int]]) -> None:
    whole = MysqlHistory.parse(spell_numbers(executed))

    shown, _, rest = shorten_gtids(str(whole)).partition(" and ")

    part = MysqlHistory.parse(shown)
    missing = sum(map(len, whole.intervals.values())) - sum(map(len, part.intervals.values()))
    assert str(whole).startswith(shown)
    assert rest == (f"{missing} more intervals" if missing else "")
