"""GTID histories: what a server has executed, compared without asking any server. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

SHOWN_LIMIT = 300  # characters: two sets and what to do about them fit in a signal's reason

COUNTED = re.compile(r"(?::[0-9][^:,]*)|(?:(?:^|,)[0-9]+-[0-9]+-[0-9]+(?=,|$))")
"""An interval of MySQL, or a GTID of MariaDB."""


class History(Protocol):
    """Everything that a server has executed, as its family counts it."""

    def contains(self, other: History) -> bool:
        """Whether all of `other` has been executed here too."""

    def beyond(self, other: History) -> str:
        """What was executed here that `other` does not hold, in the family's spelling; "" for nothing."""

    @property
    def empty(self) -> bool: ...

    @property
    def family(self) -> str:
        """Who counts so, as people name it: histories of two families cannot be compared (TypeError)."""

    @classmethod
    def of(cls, *sets: str | None) -> History:
        """Read the union of what `beyond` or a server of this family spells. ValueError for anything else."""

    @property
    def newest(self) -> History:
        """The newest transaction of each origin alone: who goes back in time loses these first."""

    @property
    def origins(self) -> frozenset[str]:
        """The servers that gave the numbers, as they name themselves: by uuid, or by server id."""


def shorten_gtids(gtids: str) -> str:
    """Shorten a set or position for a person: its beginning and how much more there is. No number is cut."""
    if len(gtids) <= SHOWN_LIMIT:
        return gtids
    ends = [found.end() for found in COUNTED.finditer(gtids)]
    shown = bisect_right(ends, SHOWN_LIMIT)
    beginning = gtids[: ends[shown - 1]] if shown else ""
    kind = "intervals" if ":" in gtids else "GTIDs"
    return f"{beginning} and {len(ends) - shown} more {kind}"


@dataclass(frozen=True, slots=True)
class MariadbHistory:
    """MariaDB: the last sequence number by domain and server id, from positions such as `0-1-42,1-7-3`.

    Of several servers that wrote in a domain the one that wrote last comes last, as in `@@gtid_binlog_state`.
    """

    last: Mapping[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, *positions: str | None) -> MariadbHistory:
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
    def empty(self) -> bool:
        return not self.last

    @property
    def newest(self) -> MariadbHistory:
        return self

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(str(server) for _domain, server in self.last)

    @property
    def by_domain(self) -> Mapping[int, int]:
        """The highest number of each domain, whichever server gave it."""
        return _by_domain(self)

    def own(self, followed: MariadbHistory) -> str:
        """What stands in domains of which `followed`, the position of a channel, knows nothing; "" for nothing."""
        known = {domain for domain, _server in followed.last}
        return _spelled((key, number) for key, number in self.last.items() if key[0] not in known)

    def find_missing(self, applied: MariadbHistory, count: int) -> MariadbHistory:
        """The newest GTID of each domain in which `applied` has not come so far, for at most `count` domains."""
        there = _by_domain(applied)
        newest = ((key, n) for key, n in _find_newest(self) if n > there.get(key[0], 0))
        return MariadbHistory(dict(islice(newest, count)))

    def merge(self, other: MariadbHistory) -> MariadbHistory:
        """Everything of both, in the order of this one, after what `other` alone has."""
        alone = {key: number for key, number in other.last.items() if key not in self.last}
        return MariadbHistory(
            alone | {key: max(number, other.last.get(key, 0)) for key, number in self.last.items()}
        )

    def written_under(self, server_id: int) -> MariadbHistory:
        """What was executed here under one server id."""
        return MariadbHistory({key: number for key, number in self.last.items() if key[1] == server_id})

    def contains(self, other: History) -> bool:
        """Whether the last transaction of each of its domains was executed here, and with it all before it.

        The domain's number alone proves nothing: two servers may both have given it.
        """
        latest = {key[0]: (key, number) for key, number in _mariadb(other).last.items()}
        return all(number <= self.last.get(key, 0) for key, number in latest.values())

    def minus(self, other: MariadbHistory) -> MariadbHistory:
        """The GTIDs here that `other` has not come to."""
        return MariadbHistory({key: n for key, n in self.last.items() if n > other.last.get(key, 0)})

    def beyond(self, other: History) -> str:
        return _spelled(self.minus(_mariadb(other)).last.items())

    def __str__(self) -> str:
        """The position: the newest GTID of each domain."""
        return _spelled(_find_newest(self))


def _find_newest(history: MariadbHistory) -> Iterator[tuple[tuple[int, int], int]]:
    newest = {d: (n, s) for (d, s), n in sorted(history.last.items(), key=lambda item: item[1])}
    return (((domain, server), number) for domain, (number, server) in newest.items())


def _by_domain(history: MariadbHistory) -> dict[int, int]:
    highest: dict[int, int] = {}
    for (domain, _server), number in history.last.items():
        highest[domain] = max(number, highest.get(domain, 0))
    return highest


def _mariadb(history: History) -> MariadbHistory:
    if not isinstance(history, MariadbHistory):
        raise TypeError("histories of two families cannot be compared")
    return history


def _spelled(gtids: Iterable[tuple[tuple[int, int], int]]) -> str:
    return ",".join(f"{domain}-{server}-{number}" for (domain, server), number in sorted(gtids))
