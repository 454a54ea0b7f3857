"""Comparing the binary logs of two servers: whether the same GTIDs are the same transactions."""

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
"""Transactions that one comparison keeps in memory. The next comparison continues after them."""

PERMANENT_ERRORS = frozenset({1236, 1789})
"""The requested log is purged, unknown or damaged. Other errors may be transient."""


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """The result of comparing two binary logs.

    `conflicting_gtid`: a GTID of two different transactions, "" for none. `common_history`: transactions that are equal
    in both logs, or None. `incomplete_reason`: why the comparison must continue later, "" if it is complete.
    `failure_reason`: why no later comparison can succeed either.
    """

    conflicting_gtid: str = ""
    common_history: GtidHistory | None = None
    incomplete_reason: str = ""
    failure_reason: str = ""


CompareBinlogs = Callable[
    [Source, Tls | None, GtidHistory, GtidHistory, "GtidHistory | None"], ComparisonResult
]
"""The type of `BinlogComparison.compare`, for tests without a server."""


@dataclass(slots=True)
class BinlogExcerpt:
    """The time of each transaction in a part of a log. `incomplete_reason`: why the rest was not read, or ""."""

    timestamps: dict[str, int] = field(default_factory=dict)
    incomplete_reason: str = ""


class BinlogComparison:
    """Compares the logs of the local server and its source. `timeout` in seconds, for each response.

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
        common_history: GtidHistory | None,
    ) -> ComparisonResult:
        """Compare the newest of `since` and all after it up to `until`, without the `common_history` so far.

        It reads at most the part of each log that `Connection.dump_binlog` allows.
        """
        if isinstance(source.user.password, UnresolvedFunction):
            return ComparisonResult(incomplete_reason="the password of the source is not known")
        server_name = "this server"
        try:
            with closing(connect_socket(self._socket, self._user, self._timeout)) as connection:
                local = read_excerpt(connection, since, until, common_history, self._limit)
            if not local.timestamps:
                return ComparisonResult(incomplete_reason=local.incomplete_reason)
            server_name = "the source"
            login = (str(source.address), source.port, str(source.user.name), source.user.password)
            with closing(connect_tcp(*login, tls, self._timeout)) as connection:
                logged = since.parse(*local.timestamps)
                remote = read_excerpt(connection, since, logged, common_history)
            return compare_excerpts(local, remote, since)
        except DatabaseUnreachable as error:
            return ComparisonResult(incomplete_reason=f"{server_name}: {error}")
        except DatabaseRefused as error:
            reason = f"{server_name}: {error}"
            return (
                ComparisonResult(failure_reason=reason)
                if error.number in PERMANENT_ERRORS
                else ComparisonResult(incomplete_reason=reason)
            )
        except (DatabaseUnsupported, ValueError) as error:
            return ComparisonResult(failure_reason=f"{server_name}: {error}")


def compare_excerpts(local: BinlogExcerpt, remote: BinlogExcerpt, family: GtidHistory) -> ComparisonResult:
    """Compare the transactions that are in both logs. If a log ends early, the rest is compared later."""
    conflicting_gtid = find_conflict(local.timestamps, remote.timestamps)
    if conflicting_gtid:
        return ComparisonResult(conflicting_gtid)
    shared = [gtid for gtid in local.timestamps if gtid in remote.timestamps]
    return ComparisonResult(
        common_history=family.parse(*shared) if shared else None,
        incomplete_reason=remote.incomplete_reason or local.incomplete_reason,
    )


def find_conflict(local: Mapping[str, int], remote: Mapping[str, int]) -> str:
    """Return the first GTID that both logs have with different times; "" if there is none."""
    return next((gtid for gtid, timestamp in local.items() if remote.get(gtid, timestamp) != timestamp), "")


def read_excerpt(
    connection: Connection,
    since: GtidHistory,
    until: GtidHistory,
    common_history: GtidHistory | None = None,
    limit: int = TRANSACTION_LIMIT,
) -> BinlogExcerpt:
    """Read the times of transactions from the log of the server behind `connection`."""
    return collect_timestamps(
        detect_family(connection).read_timestamps(connection, since, until, common_history), limit
    )


def collect_timestamps(
    timestamps: Iterator[tuple[str, int]], limit: int = TRANSACTION_LIMIT
) -> BinlogExcerpt:
    """Collect at most `limit` times, and keep those that were read before the connection was lost or timed out."""
    excerpt = BinlogExcerpt()
    try:
        for gtid, timestamp in timestamps:
            excerpt.timestamps[gtid] = timestamp
            if len(excerpt.timestamps) >= limit:
                excerpt.incomplete_reason = f"{limit} transactions are compared, and the log may have more"
                break
    except DatabaseUnreachable as error:
        excerpt.incomplete_reason = str(error)
    return excerpt
