"""GTID histories: what a server has executed, compared without asking any server. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

DISPLAY_LIMIT = 300  # characters: two sets and what to do about them fit in a signal's reason

GTID_PATTERN = re.compile(r"(?::[0-9][^:,]*)|(?:(?:^|,)[0-9]+-[0-9]+-[0-9]+(?=,|$))")
"""An interval of MySQL, or a GTID of MariaDB."""


class GtidHistory(Protocol):
    """Everything that a server has executed, as its family counts it."""

    def contains(self, other: GtidHistory) -> bool:
        """Whether all of `other` has been executed here too."""

    def format_difference(self, other: GtidHistory) -> str:
        """What was executed here that `other` does not hold, in the family's spelling; "" for nothing."""

    @property
    def is_empty(self) -> bool: ...

    @property
    def family(self) -> str:
        """Who counts so, as people name it: histories of two families cannot be compared (TypeError)."""

    @classmethod
    def parse(cls, *sets: str | None) -> GtidHistory:
        """Read the union of what `beyond` or a server of this family spells. ValueError for anything else."""

    @property
    def newest_gtids(self) -> GtidHistory:
        """The newest transaction of each origin alone: who goes back in time loses these first."""

    @property
    def origins(self) -> frozenset[str]:
        """The servers that gave the numbers, as they name themselves: by uuid, or by server id."""


def shorten_gtids(gtids: str) -> str:
    """Shorten a set or position for a person: its beginning and how much more there is. No number is cut."""
    if len(gtids) <= DISPLAY_LIMIT:
        return gtids
    ends = [found.end() for found in GTID_PATTERN.finditer(gtids)]
    shown = bisect_right(ends, DISPLAY_LIMIT)
    beginning = gtids[: ends[shown - 1]] if shown else ""
    kind = "intervals" if ":" in gtids else "GTIDs"
    return f"{beginning} and {len(ends) - shown} more {kind}"


@dataclass(frozen=True, slots=True)
class MariadbHistory:
    """MariaDB: the last sequence number by domain and server id, from positions such as `0-1-42,1-7-3`.

    Of several servers that wrote in a domain the one that wrote last comes last, as in `@@gtid_binlog_state`.
    """

    sequence_numbers: Mapping[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def parse(cls, *positions: str | None) -> MariadbHistory:
        """The union of `@@gtid_slave_pos`, `@@gtid_binlog_state` and the like, in this order. ValueError for others."""
        last: dict[tuple[int, int], int] = {}
        for position in positions:
            for gtid in filter(None, (part.strip() for part in (position or "").split(","))):
                domain, server, number = (int(word) for word in gtid.split("-"))
                last[domain, server] = max(number, last.pop((domain, server), 0))
        return cls(last)

    @property
    def family(self) -> str:
        return "MariaDB"

    @property
    def is_empty(self) -> bool:
        return not self.sequence_numbers

    @property
    def newest_gtids(self) -> MariadbHistory:
        return self

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(str(server) for _domain, server in self.sequence_numbers)

    @property
    def domain_positions(self) -> Mapping[int, int]:
        """The highest number of each domain, whichever server gave it."""
        return _by_domain(self)

    def format_local_gtids(self, followed: MariadbHistory) -> str:
        """What stands in domains of which `followed`, the position of a channel, knows nothing; "" for nothing."""
        known = {domain for domain, _server in followed.sequence_numbers}
        return _spelled((key, number) for key, number in self.sequence_numbers.items() if key[0] not in known)

    def find_missing(self, applied: MariadbHistory, count: int) -> MariadbHistory:
        """The newest GTID of each domain in which `applied` has not come so far, for at most `count` domains."""
        there = _by_domain(applied)
        newest = ((key, n) for key, n in _find_newest(self) if n > there.get(key[0], 0))
        return MariadbHistory(dict(islice(newest, count)))

    def merge(self, other: MariadbHistory) -> MariadbHistory:
        """Everything of both, in the order of this one, after what `other` alone has."""
        alone = {
            key: number for key, number in other.sequence_numbers.items() if key not in self.sequence_numbers
        }
        return MariadbHistory(
            alone
            | {
                key: max(number, other.sequence_numbers.get(key, 0))
                for key, number in self.sequence_numbers.items()
            }
        )

    def filter_by_server_id(self, server_id: int) -> MariadbHistory:
        """What was executed here under one server id."""
        return MariadbHistory(
            {key: number for key, number in self.sequence_numbers.items() if key[1] == server_id}
        )

    def contains(self, other: GtidHistory) -> bool:
        """Whether the last transaction of each of its domains was executed here, and with it all before it.

        The domain's number alone proves nothing: two servers may both have given it.
        """
        latest = {key[0]: (key, number) for key, number in _mariadb(other).sequence_numbers.items()}
        return all(number <= self.sequence_numbers.get(key, 0) for key, number in latest.values())

    def subtract(self, other: MariadbHistory) -> MariadbHistory:
        """The GTIDs here that `other` has not come to."""
        return MariadbHistory(
            {key: n for key, n in self.sequence_numbers.items() if n > other.sequence_numbers.get(key, 0)}
        )

    def format_difference(self, other: GtidHistory) -> str:
        return _spelled(self.subtract(_mariadb(other)).sequence_numbers.items())

    def __str__(self) -> str:
        """The position: the newest GTID of each domain."""
        return _spelled(_find_newest(self))


def _find_newest(history: MariadbHistory) -> Iterator[tuple[tuple[int, int], int]]:
    newest = {d: (n, s) for (d, s), n in sorted(history.sequence_numbers.items(), key=lambda item: item[1])}
    return (((domain, server), number) for domain, (number, server) in newest.items())


def _by_domain(history: MariadbHistory) -> dict[int, int]:
    highest: dict[int, int] = {}
    for (domain, _server), number in history.sequence_numbers.items():
        highest[domain] = max(number, highest.get(domain, 0))
    return highest


def _mariadb(history: GtidHistory) -> MariadbHistory:
    if not isinstance(history, MariadbHistory):
        raise TypeError("histories of two families cannot be compared")
    return history


def _spelled(gtids: Iterable[tuple[tuple[int, int], int]]) -> str:
    return ",".join(f"{domain}-{server}-{number}" for (domain, server), number in sorted(gtids))
