"""MySQL's GTID sets, tags of 8.3 and later included: exact, without asking any server. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from guestagent.database.gtid import History

Origin = tuple[str, str]
"""Who has given the numbers: a server's UUID (lower case) and a tag ("" for none)."""

Interval = tuple[int, int]
"""First and last number, both included."""

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")
NUMBERS = re.compile(r"([0-9]+)(?:-([0-9]+))?")


@dataclass(frozen=True, slots=True)
class MysqlHistory:
    """All that was executed: by origin, intervals in order that neither touch nor overlap."""

    executed: Mapping[Origin, tuple[Interval, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, *sets: str | None) -> MysqlHistory:
        """The union of what the server spells as `uuid:1-5:7,uuid:tag:1-3`. ValueError for anything else."""
        found: defaultdict[Origin, list[Interval]] = defaultdict(list)
        for text in sets:
            for part in filter(None, (word.strip() for word in (text or "").lower().split(","))):
                for origin, interval in _parsed(part):
                    found[origin].append(interval)
        return cls({origin: tuple(_joined(intervals)) for origin, intervals in found.items()})

    @property
    def family(self) -> str:
        return "MySQL"

    @property
    def empty(self) -> bool:
        return not self.executed

    def contains(self, other: History) -> bool:
        return _mysql(other).minus(self).empty

    def beyond(self, other: History) -> str:
        return str(self.minus(_mysql(other)))

    def minus(self, other: MysqlHistory) -> MysqlHistory:
        """What is here and not there: GTID_SUBTRACT."""
        left = {
            origin: tuple(_without(intervals, other.executed.get(origin, ())))
            for origin, intervals in self.executed.items()
        }
        return MysqlHistory({origin: intervals for origin, intervals in left.items() if intervals})

    def __str__(self) -> str:
        """As the server spells it, without its line breaks."""
        by_server = groupby(sorted(self.executed.items()), key=lambda item: item[0][0])
        return ",".join(f"{uuid}{''.join(_spelled(item) for item in items)}" for uuid, items in by_server)


def _parsed(part: str) -> Iterator[tuple[Origin, Interval]]:
    """One server's numbers: those after a tag are the tag's, those before any are without."""
    uuid, *words = (word.strip() for word in part.split(":"))
    if not UUID.fullmatch(uuid) or not words:
        raise ValueError(f"no GTID set: {part!r}")
    tag = ""
    for word in words:
        numbers = NUMBERS.fullmatch(word)
        if numbers is None:
            if not TAG.fullmatch(word):
                raise ValueError(f"neither numbers nor a tag of a GTID set: {word!r}")
            tag = word
            continue
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if not 0 < first <= last:
            raise ValueError(f"no interval of a GTID set: {word!r}")
        yield (uuid, tag), (first, last)


def _joined(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """In order, with those that touch or overlap made one."""
    start, end = 0, -1
    for first, last in sorted(intervals):
        if first > end + 1:
            if end > 0:
                yield start, end
            start = first
        end = max(end, last)
    yield start, end


def _without(intervals: Iterable[Interval], taken: tuple[Interval, ...]) -> Iterator[Interval]:
    for first, last in intervals:
        at = first
        for start, end in taken:
            if end < at:
                continue
            if start > last:
                break
            if start > at:
                yield at, start - 1
            at = end + 1
        if at <= last:
            yield at, last


def _spelled(item: tuple[Origin, tuple[Interval, ...]]) -> str:
    (_uuid, tag), intervals = item
    numbers = (f"{first}-{last}" if last > first else str(first) for first, last in intervals)
    return "".join(f":{word}" for word in (*([tag] if tag else []), *numbers))


def _mysql(history: History) -> MysqlHistory:
    if not isinstance(history, MysqlHistory):
        raise TypeError("histories of two families cannot be compared")
    return history
