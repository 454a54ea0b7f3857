"""MariaDB's GTID positions and histories: exact, without asking any server. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from guestagent.database.gtid_history import GtidHistory

Origin = tuple[int, int]
"""A domain id and a server id."""


@dataclass(frozen=True, slots=True)
class MariadbHistory:
    """The last sequence number by domain and server id, from positions such as `0-1-42,1-7-3`.

    If several servers wrote in a domain, the last writer comes last, as in `@@gtid_binlog_state`.
    """

    sequence_numbers: Mapping[Origin, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, *positions: str | None) -> MariadbHistory:
        """Return the union of `@@gtid_slave_pos`, `@@gtid_binlog_state` and the like, in this order.

        ValueError for any other text.
        """
        last: dict[Origin, int] = {}
        for position in positions:
            for gtid in filter(None, (part.strip() for part in (position or "").split(","))):
                domain, server, number = (int(part) for part in gtid.split("-"))
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
        """The highest sequence number of each domain, from any server."""
        highest: dict[int, int] = {}
        for (domain, _server), number in self.sequence_numbers.items():
            highest[domain] = max(number, highest.get(domain, 0))
        return highest

    @property
    def newest_by_domain(self) -> MariadbHistory:
        """The newest GTID of each domain, as a position contains it."""
        return MariadbHistory(dict(_find_newest_gtids(self)))

    def go_back(self, count: int) -> MariadbHistory:
        """Return the position that many numbers before the newest GTID of each domain."""
        newest = self.newest_by_domain.sequence_numbers
        return MariadbHistory({origin: max(1, number - count) for origin, number in newest.items()})

    def format_local_gtids(self, channel_position: MariadbHistory) -> str:
        """Return the GTIDs in domains that `channel_position` does not contain; "" if there are none."""
        channel_domains = {domain for domain, _server in channel_position.sequence_numbers}
        return _format_gtids(
            (origin, number)
            for origin, number in self.sequence_numbers.items()
            if origin[0] not in channel_domains
        )

    def find_missing(self, applied: MariadbHistory, count: int) -> MariadbHistory:
        """Return the newest GTID of each domain in which `applied` is behind, for at most `count` domains."""
        positions = applied.domain_positions
        missing = (
            (origin, number)
            for origin, number in _find_newest_gtids(self)
            if number > positions.get(origin[0], 0)
        )
        return MariadbHistory(dict(islice(missing, count)))

    def merge(self, other: MariadbHistory) -> MariadbHistory:
        """Return the union: first the origins that only `other` has, then those of this history in their order."""
        only_in_other = {
            origin: number
            for origin, number in other.sequence_numbers.items()
            if origin not in self.sequence_numbers
        }
        merged = {
            origin: max(number, other.sequence_numbers.get(origin, 0))
            for origin, number in self.sequence_numbers.items()
        }
        return MariadbHistory(only_in_other | merged)

    def filter_by_server_id(self, server_id: int) -> MariadbHistory:
        """Return the part that was written under one server id."""
        return MariadbHistory(
            {origin: number for origin, number in self.sequence_numbers.items() if origin[1] == server_id}
        )

    def contains(self, other: GtidHistory) -> bool:
        """Return whether the last transaction of each domain of `other` was executed here, and so all before it.

        The number of the domain alone proves nothing: two servers may have assigned the same number.
        """
        last_gtids = {
            origin[0]: (origin, number) for origin, number in _require_mariadb(other).sequence_numbers.items()
        }
        return all(number <= self.sequence_numbers.get(origin, 0) for origin, number in last_gtids.values())

    def subtract(self, other: MariadbHistory) -> MariadbHistory:
        """Return the GTIDs that are here and not in `other`."""
        return MariadbHistory(
            {
                origin: number
                for origin, number in self.sequence_numbers.items()
                if number > other.sequence_numbers.get(origin, 0)
            }
        )

    def format_difference(self, other: GtidHistory) -> str:
        return _format_gtids(self.subtract(_require_mariadb(other)).sequence_numbers.items())

    def __str__(self) -> str:
        """Return the position: the newest GTID of each domain."""
        return _format_gtids(_find_newest_gtids(self))


def _find_newest_gtids(history: MariadbHistory) -> Iterator[tuple[Origin, int]]:
    ascending = sorted(history.sequence_numbers.items(), key=lambda item: item[1])
    newest = {domain: (number, server) for (domain, server), number in ascending}
    return (((domain, server), number) for domain, (number, server) in newest.items())


def find_skipped_gtid(expected: Iterable[str], logged: Iterable[str]) -> str:
    """Return the first expected GTID that a part of a log does not have although it has a later one of its origin.

    "" if there is none. A server logs the numbers of one origin in ascending order.
    """
    logged_gtids = frozenset(logged)
    last_logged = MariadbHistory.parse(*logged_gtids)
    return next(
        (
            gtid
            for gtid in expected
            if gtid not in logged_gtids and not MariadbHistory.parse(gtid).format_difference(last_logged)
        ),
        "",
    )


def _require_mariadb(history: GtidHistory) -> MariadbHistory:
    if not isinstance(history, MariadbHistory):
        raise TypeError("histories of two families cannot be compared")
    return history


def _format_gtids(gtids: Iterable[tuple[Origin, int]]) -> str:
    return ",".join(f"{domain}-{server}-{number}" for (domain, server), number in sorted(gtids))
