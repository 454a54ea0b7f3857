"""MySQL's GTID sets, including the tags of 8.3 and later: exact, without asking any server. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby, islice, repeat

from guestagent.database.gtid_history import GtidHistory

Origin = tuple[str, str]
"""A server's UUID (lower case) and a tag ("" for none)."""

Interval = tuple[int, int]
"""First and last number, both inclusive."""

UUID_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAG_PATTERN = re.compile(r"[a-z_][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class MysqlHistory:
    """The executed intervals by origin, in order, without adjacent or overlapping ones."""

    intervals: Mapping[Origin, tuple[Interval, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, *sets: str | None) -> MysqlHistory:
        """Return the union of sets such as `uuid:1-5:7,uuid:tag:1-3`. ValueError for any other text."""
        by_origin: defaultdict[Origin, list[Interval]] = defaultdict(list)
        for text in sets:
            for part in filter(None, (part.strip() for part in (text or "").lower().split(","))):
                for origin, intervals in _parse_uuid_set(part):
                    by_origin[origin].extend(intervals)
        return cls({origin: tuple(_join_intervals(each)) for origin, each in by_origin.items() if each})

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
        return _require_mysql(other).subtract(self).is_empty

    def format_difference(self, other: GtidHistory) -> str:
        return str(self.subtract(_require_mysql(other)))

    def subtract(self, other: MysqlHistory) -> MysqlHistory:
        """Return the GTIDs that are here and not in `other`, as GTID_SUBTRACT does."""
        remaining = {
            origin: tuple(_subtract_intervals(intervals, other.intervals.get(origin, ())))
            for origin, intervals in self.intervals.items()
        }
        return MysqlHistory({origin: intervals for origin, intervals in remaining.items() if intervals})

    def take_newest(self, count: int) -> MysqlHistory:
        """Return the last interval of each origin, for at most `count` origins."""
        newest = {origin: intervals[-1:] for origin, intervals in self.intervals.items()}
        return MysqlHistory(dict(islice(newest.items(), count)))

    def take_below(self, other: MysqlHistory) -> MysqlHistory:
        """Return the intervals that are below the newest number of their origin in `other`."""
        below = {
            origin: tuple(each for each in intervals if each[1] < other.intervals[origin][-1][1])
            for origin, intervals in self.intervals.items()
            if origin in other.intervals
        }
        return MysqlHistory({origin: intervals for origin, intervals in below.items() if intervals})

    def __str__(self) -> str:
        """Return the set as the server writes it, without line breaks."""
        by_server = groupby(sorted(self.intervals.items()), key=lambda item: item[0][0])
        return ",".join(
            f"{uuid}{''.join(_format_intervals(item) for item in items)}" for uuid, items in by_server
        )


def _parse_uuid_set(part: str) -> Iterator[tuple[Origin, Iterable[Interval]]]:
    """Parse the set of one server. Intervals after a tag belong to the tag, those before the first tag have none."""
    uuid, *words = map(str.strip, part.split(":"))
    if not UUID_PATTERN.fullmatch(uuid) or not words:
        raise ValueError(f"not a GTID set: {_quote(part)}")
    tag, intervals = "", list[Interval]()
    for word in words:
        interval = _parse_interval(word)
        if interval is not None:
            intervals.append(interval)
            continue
        if not TAG_PATTERN.fullmatch(word):
            raise ValueError(f"neither an interval nor a tag of a GTID set: {_quote(word)}")
        yield (uuid, tag), intervals
        tag, intervals = word, []
    yield (uuid, tag), intervals


def _parse_interval(word: str) -> Interval | None:
    """Parse `7` or `5-9`; None for other words. Without a regular expression: a set may have thousands of intervals."""
    first, dash, last = word.partition("-")
    if not (first.isdigit() and (last.isdigit() or not dash) and word.isascii()):
        return None
    start = int(first)
    interval = (start, int(last) if dash else start)
    if not 0 < start <= interval[1]:
        raise ValueError(f"not an interval of a GTID set: {_quote(word)}")
    return interval


def _quote(text: str) -> str:
    """Quote the beginning of a text: all of it may be megabytes."""
    return repr(text if len(text) <= 100 else f"{text[:100]}...")


def _join_intervals(intervals: list[Interval]) -> Iterator[Interval]:
    """Sort the intervals and merge those that are adjacent or overlap."""
    intervals.sort()
    start, end = intervals[0]
    for first, last in intervals:
        if first > end + 1:
            yield start, end
            start, end = first, last
        elif last > end:
            end = last
    yield start, end


def _subtract_intervals(
    intervals: tuple[Interval, ...], subtracted: tuple[Interval, ...]
) -> Iterator[Interval]:
    """Subtract intervals in linear time: both lists are read once, in parallel."""
    if intervals == subtracted:
        return
    end_marker = (intervals[-1][1] + 1, intervals[-1][1] + 1)
    remaining = chain(subtracted, repeat(end_marker))
    start, end = next(remaining)
    for first, last in intervals:
        while end < first:
            start, end = next(remaining)
        position = first
        while start <= last:
            if start > position:
                yield position, start - 1
            position = end + 1
            if position > last:  # this interval may extend into the next one
                break
            start, end = next(remaining)
        if position <= last:
            yield position, last


def _format_intervals(item: tuple[Origin, tuple[Interval, ...]]) -> str:
    (_uuid, tag), intervals = item
    numbers = (f"{first}-{last}" if last > first else str(first) for first, last in intervals)
    return "".join(f":{word}" for word in (*([tag] if tag else []), *numbers))


def _require_mysql(history: GtidHistory) -> MysqlHistory:
    if not isinstance(history, MysqlHistory):
        raise TypeError("histories of two families cannot be compared")
    return history
