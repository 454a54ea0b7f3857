"""MySQL's GTID sets, tags of 8.3 and later included: exact, without asking any server. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby, islice, repeat

from guestagent.database.gtid_history import GtidHistory

Origin = tuple[str, str]
"""Who has given the numbers: a server's UUID (lower case) and a tag ("" for none)."""

Interval = tuple[int, int]
"""First and last number, both included."""

UUID_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAG_PATTERN = re.compile(r"[a-z_][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class MysqlHistory:
    """All that was executed: by origin, intervals in order that neither touch nor overlap."""

    intervals: Mapping[Origin, tuple[Interval, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, *sets: str | None) -> MysqlHistory:
        """The union of what the server spells as `uuid:1-5:7,uuid:tag:1-3`. ValueError for anything else."""
        found: defaultdict[Origin, list[Interval]] = defaultdict(list)
        for text in sets:
            for part in filter(None, (word.strip() for word in (text or "").lower().split(","))):
                for origin, intervals in _parsed(part):
                    found[origin].extend(intervals)
        return cls({origin: tuple(_join_intervals(each)) for origin, each in found.items() if each})

    @property
    def family(self) -> str:
        return "MySQL"

    @property
    def is_empty(self) -> bool:
        return not self.intervals

    @property
    def newest_gtids(self) -> MysqlHistory:
        return MysqlHistory(
            {origin: ((each[-1][1], each[-1][1]),) for origin, each in self.intervals.items()}
        )

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(uuid for uuid, _tag in self.intervals)

    def contains(self, other: GtidHistory) -> bool:
        return _mysql(other).subtract(self).is_empty

    def format_difference(self, other: GtidHistory) -> str:
        return str(self.subtract(_mysql(other)))

    def subtract(self, other: MysqlHistory) -> MysqlHistory:
        """What is here and not there: GTID_SUBTRACT."""
        left = {
            origin: tuple(_subtract_intervals(intervals, other.intervals.get(origin, ())))
            for origin, intervals in self.intervals.items()
        }
        return MysqlHistory({origin: intervals for origin, intervals in left.items() if intervals})

    def take_newest(self, count: int) -> MysqlHistory:
        """The last interval of each origin, for at most `count` origins."""
        newest = {origin: intervals[-1:] for origin, intervals in self.intervals.items()}
        return MysqlHistory(dict(islice(newest.items(), count)))

    def __str__(self) -> str:
        """As the server spells it, without its line breaks."""
        by_server = groupby(sorted(self.intervals.items()), key=lambda item: item[0][0])
        return ",".join(f"{uuid}{''.join(_spelled(item) for item in items)}" for uuid, items in by_server)


def _parsed(part: str) -> Iterator[tuple[Origin, Iterable[Interval]]]:
    """One server's numbers: those after a tag are the tag's, those before any are without."""
    uuid, *words = map(str.strip, part.split(":"))
    if not UUID_PATTERN.fullmatch(uuid) or not words:
        raise ValueError(f"no GTID set: {_quote(part)}")
    tag, intervals = "", list[Interval]()
    for word in words:
        interval = _parse_interval(word)
        if interval is not None:
            intervals.append(interval)
            continue
        if not TAG_PATTERN.fullmatch(word):
            raise ValueError(f"neither numbers nor a tag of a GTID set: {_quote(word)}")
        yield (uuid, tag), intervals
        tag, intervals = word, []
    yield (uuid, tag), intervals


def _parse_interval(word: str) -> Interval | None:
    """Read `7` or `5-9`; None for a word without numbers. No regular expression: a set may have thousands of these."""
    first, dash, last = word.partition("-")
    if not (first.isdigit() and (last.isdigit() or not dash) and word.isascii()):
        return None
    start = int(first)
    interval = (start, int(last) if dash else start)
    if not 0 < start <= interval[1]:
        raise ValueError(f"no interval of a GTID set: {_quote(word)}")
    return interval


def _quote(text: str) -> str:
    """The beginning of what could not be read: all of it may be megabytes."""
    return repr(text if len(text) <= 100 else f"{text[:100]}...")


def _join_intervals(intervals: list[Interval]) -> Iterator[Interval]:
    """Sort the intervals and merge those that touch or overlap."""
    intervals.sort()
    start, end = intervals[0]
    for first, last in intervals:
        if first > end + 1:
            yield start, end
            start, end = first, last
        elif last > end:
            end = last
    yield start, end


def _subtract_intervals(intervals: tuple[Interval, ...], taken: tuple[Interval, ...]) -> Iterator[Interval]:
    """Walk both lists once, in step, so that the time is linear."""
    if intervals == taken:
        return
    nothing_more = (intervals[-1][1] + 1, intervals[-1][1] + 1)
    others = chain(taken, repeat(nothing_more))
    start, end = next(others)
    for first, last in intervals:
        while end < first:
            start, end = next(others)
        at = first
        while start <= last:
            if start > at:
                yield at, start - 1
            at = end + 1
            if at > last:  # what is taken here may reach into the next interval
                break
            start, end = next(others)
        if at <= last:
            yield at, last


def _spelled(item: tuple[Origin, tuple[Interval, ...]]) -> str:
    (_uuid, tag), intervals = item
    numbers = (f"{first}-{last}" if last > first else str(first) for first, last in intervals)
    return "".join(f":{word}" for word in (*([tag] if tag else []), *numbers))


def _mysql(history: GtidHistory) -> MysqlHistory:
    if not isinstance(history, MysqlHistory):
        raise TypeError("histories of two families cannot be compared")
    return history
