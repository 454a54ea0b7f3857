"""Whether the same GTIDs stand for the same transactions in the binary logs of two servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from guestagent.database.connection import Connection
from guestagent.database.detect import detect_family
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.login import connect_socket, connect_tcp
from guestagent.errors import DatabaseRefused, DatabaseUnreachable, DatabaseUnsupported
from guestagent.metadata.document import Source, Tls, UnresolvedFunction

TRANSACTION_LIMIT = 20_000
"""Transactions that one comparison holds in memory. The next one goes on after them."""

PERMANENT_ERRORS = frozenset({1236, 1789})
"""A server cannot send what was asked for: purged, not in its log, or damaged. Other errors may pass."""


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """How far two binary logs have been compared, and what came of it.

    `replaced`: a GTID under which they have different transactions, "" for none. `equal`: what both have alike, None
    for nothing. `unread`: why the comparison must go on later, "" if it is complete. `impossible`: why no later
    comparison can succeed either.
    """

    conflicting_gtid: str = ""
    common_history: GtidHistory | None = None
    incomplete_reason: str = ""
    failure_reason: str = ""


CompareBinlogs = Callable[
    [Source, Tls | None, GtidHistory, GtidHistory, "GtidHistory | None"], ComparisonResult
]
"""What `BinlogComparison.compare` is, for tests that have no server."""


@dataclass(slots=True)
class BinlogExcerpt:
    """A stretch of a log: the time of each transaction. `unread`: why it ends too early, "" if it does not."""

    timestamps: dict[str, int] = field(default_factory=dict)
    incomplete_reason: str = ""


class BinlogComparison:
    """The logs of the server behind a local socket and of its source. `timeout` in seconds, for each answer.

    One comparison reads at most `limit` transactions.
    """

    def __init__(
        self, socket: str, timeout: float, user: str = "root", limit: int = TRANSACTION_LIMIT
    ) -> None:
        self._socket, self._timeout, self._user, self._limit = socket, timeout, user, limit

    def compare(
        self,
        source: Source,
        tls: Tls | None,
        since: GtidHistory,
        until: GtidHistory,
        equal: GtidHistory | None,
    ) -> ComparisonResult:
        """Compare the newest of `since` and what follows up to `until`, without `equal`, which was compared earlier.

        Of each log it reads at most what `Connection.dump_binlog` allows.
        """
        if isinstance(source.user.password, UnresolvedFunction):
            return ComparisonResult(incomplete_reason="the password of the source is not known")
        whose = "this server"
        try:
            with closing(connect_socket(self._socket, self._user, self._timeout)) as here:
                ours = read_excerpt(here, since, until, equal, self._limit)
            if not ours.timestamps:
                return ComparisonResult(incomplete_reason=ours.incomplete_reason)
            whose = "the source"
            login = (str(source.address), source.port, str(source.user.name), source.user.password)
            with closing(connect_tcp(*login, tls, self._timeout)) as there:
                return compare_excerpts(
                    ours, read_excerpt(there, since, since.parse(*ours.timestamps), equal), since
                )
        except DatabaseUnreachable as error:
            return ComparisonResult(incomplete_reason=f"{whose}: {error}")
        except DatabaseRefused as error:
            reason = f"{whose}: {error}"
            return (
                ComparisonResult(failure_reason=reason)
                if error.number in PERMANENT_ERRORS
                else ComparisonResult(incomplete_reason=reason)
            )
        except (DatabaseUnsupported, ValueError) as error:
            return ComparisonResult(failure_reason=f"{whose}: {error}")


def compare_excerpts(ours: BinlogExcerpt, theirs: BinlogExcerpt, family: GtidHistory) -> ComparisonResult:
    """Compare what both logs have. A log that ends early leaves the rest for later."""
    replaced = find_difference(ours.timestamps, theirs.timestamps)
    if replaced:
        return ComparisonResult(replaced)
    shared = [gtid for gtid in ours.timestamps if gtid in theirs.timestamps]
    return ComparisonResult(
        common_history=family.parse(*shared) if shared else None,
        incomplete_reason=theirs.incomplete_reason or ours.incomplete_reason,
    )


def find_difference(ours: Mapping[str, int], theirs: Mapping[str, int]) -> str:
    """Return the first GTID that both have with different times; "" if there is none."""
    return next((gtid for gtid, made in ours.items() if theirs.get(gtid, made) != made), "")


def read_excerpt(
    connection: Connection,
    since: GtidHistory,
    until: GtidHistory,
    equal: GtidHistory | None = None,
    limit: int = TRANSACTION_LIMIT,
) -> BinlogExcerpt:
    """Read the times of transactions from the log of the server behind `connection`."""
    return collect_timestamps(
        detect_family(connection).read_timestamps(connection, since, until, equal), limit
    )


def collect_timestamps(stamps: Iterator[tuple[str, int]], limit: int = TRANSACTION_LIMIT) -> BinlogExcerpt:
    """Collect at most `limit` times, and keep those that came before a connection was lost or took too long."""
    excerpt = BinlogExcerpt()
    try:
        for gtid, made in stamps:
            excerpt.timestamps[gtid] = made
            if len(excerpt.timestamps) >= limit:
                excerpt.incomplete_reason = f"{limit} transactions are compared, and the log may go on"
                break
    except DatabaseUnreachable as error:
        excerpt.incomplete_reason = str(error)
    return excerpt
