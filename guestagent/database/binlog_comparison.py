"""Comparing the binary logs of two servers: whether the same GTIDs are the same transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from guestagent.database.connection import Connection
from guestagent.database.detect import detect_family
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.login import connect_socket, connect_tcp
from guestagent.database.mariadb.gtid import MariadbHistory, find_skipped_gtid
from guestagent.database.replica_log import find_unlogged_reason
from guestagent.errors import DatabaseRefused, DatabaseUnreachable, DatabaseUnsupported
from guestagent.metadata.document import Source, Tls, UnresolvedFunction
from guestagent.secret import Secret

TRANSACTION_LIMIT = 20_000
"""Transactions that one comparison keeps in memory. The next comparison continues after them."""

OLDER_TRANSACTIONS = (1000, 100, 10)
"""Transactions of each domain that are compared before the newest known one: fewer if a log does not reach back."""

NO_TIMES: Mapping[str, int] = MappingProxyType({})

PERMANENT_ERRORS = frozenset({1236, 1789})
"""The requested log is purged, unknown or damaged. Other errors may be transient."""


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """The result of comparing two binary logs.

    `conflicting_gtid`: a GTID of two different transactions, "" for none. `common_history`: transactions that are equal
    in both logs, or None. `incomplete_reason`: why the comparison must continue later, "" if it is complete.
    `failure_reason`: why no later comparison can succeed either. `unlogged_reason`: why the local server's log does not
    show what it has applied.
    """

    conflicting_gtid: str = ""
    common_history: GtidHistory | None = None
    incomplete_reason: str = ""
    failure_reason: str = ""
    unlogged_reason: str = ""


CompareBinlogs = Callable[
    [Source, Tls | None, GtidHistory, GtidHistory, "GtidHistory | None", Mapping[str, int]], ComparisonResult
]
"""The type of `BinlogComparison.compare`, for tests without a server."""

ReadSourceTimes = Callable[[Source, Tls | None, GtidHistory], Mapping[str, int]]
"""The type of `BinlogComparison.read_source_times`."""


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
        accepted: Mapping[str, int] = NO_TIMES,
    ) -> ComparisonResult:
        """Compare the newest of `since` and all after it up to `until`, without the `common_history` so far.

        `accepted` are the times that the source's log must have for some of the newest of `since`, whatever the local
        log has. It reads at most the part of each log that `Connection.dump_binlog` allows.
        """
        if isinstance(source.user.password, UnresolvedFunction):
            return ComparisonResult(incomplete_reason="the password of the source is not known")
        server_name = "this server"
        try:
            with closing(connect_socket(self._socket, self._user, self._timeout)) as connection:
                required = select_required_times(accepted, since)
                unlogged_reason = find_unlogged_reason(connection, since, required)
                if unlogged_reason:
                    return ComparisonResult(unlogged_reason=unlogged_reason)
                local = read_excerpt(connection, since, until, common_history, self._limit)
                if common_history is None:
                    local.timestamps.update(required)
            if not local.timestamps:
                return ComparisonResult(incomplete_reason=local.incomplete_reason)
            server_name = "the source"
            with closing(self._connect_source(source, source.user.password, tls)) as connection:
                logged = since.parse(*local.timestamps)
                remote = read_excerpt(connection, since, logged, common_history)
            result = compare_excerpts(local, remote, since)
            is_first = common_history is None and not accepted
            if is_first and not result.conflicting_gtid and isinstance(since, MariadbHistory):
                conflicting_gtid = self._compare_older(source, source.user.password, tls, since)
                result = replace(result, conflicting_gtid=conflicting_gtid)
            return result
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

    def read_source_times(self, source: Source, tls: Tls | None, newest: GtidHistory) -> Mapping[str, int]:
        """Read the times of the newest transactions of a history from the source's log, as far as it has them."""
        password = source.user.password
        if isinstance(password, UnresolvedFunction):
            return {}
        try:
            with closing(self._connect_source(source, password, tls)) as connection:
                return read_excerpt(connection, newest, newest).timestamps
        except (DatabaseUnreachable, DatabaseRefused, DatabaseUnsupported, ValueError):
            return {}  # without them, a difference in these transactions is reported once more

    def _compare_older(self, source: Source, password: Secret, tls: Tls | None, until: MariadbHistory) -> str:
        """Compare some transactions up to `until`, and return a GTID with which the logs differ; "" for none.

        A log that is replayed into a restored MariaDB keeps its GTIDs and times. If a transaction is left out of it,
        the newer ones are equal, and only this comparison finds the gap. Logs that do not reach back are not compared.
        """
        for count in OLDER_TRANSACTIONS:
            since = until.go_back(count)
            try:
                with closing(connect_socket(self._socket, self._user, self._timeout)) as connection:
                    local = read_excerpt(connection, since, until)
                with closing(self._connect_source(source, password, tls)) as connection:
                    remote = read_excerpt(connection, since, until)
            except DatabaseRefused:
                continue
            except (DatabaseUnreachable, DatabaseUnsupported, ValueError):
                return ""
            return find_difference(local.timestamps, remote.timestamps, until)
        return ""

    def _connect_source(self, source: Source, password: Secret, tls: Tls | None) -> Connection:
        return connect_tcp(
            str(source.address), source.port, str(source.user.name), password, tls, self._timeout
        )


def select_required_times(accepted: Mapping[str, int], since: GtidHistory) -> dict[str, int]:
    """Return the accepted times of transactions with which a comparison since then begins."""
    newest = {gtid.strip() for gtid in str(since).split(",")}
    return {gtid: time for gtid, time in accepted.items() if gtid in newest}


def compare_excerpts(local: BinlogExcerpt, remote: BinlogExcerpt, family: GtidHistory) -> ComparisonResult:
    """Compare the transactions that are in both logs. If a log ends early, the rest is compared later."""
    conflicting_gtid = find_difference(local.timestamps, remote.timestamps, family)
    if conflicting_gtid:
        return ComparisonResult(conflicting_gtid)
    shared = [gtid for gtid in local.timestamps if gtid in remote.timestamps]
    return ComparisonResult(
        common_history=family.parse(*shared) if shared else None,
        incomplete_reason=remote.incomplete_reason or local.incomplete_reason,
    )


def find_difference(local: Mapping[str, int], remote: Mapping[str, int], family: GtidHistory) -> str:
    """Return the first GTID with which the logs differ; "" if there is none.

    A MariaDB may lack a transaction between others, and its history does not show that. A MySQL's history does.
    """
    conflicting_gtid = find_conflict(local, remote)
    if not conflicting_gtid and isinstance(family, MariadbHistory):
        return find_skipped_gtid(local, remote)
    return conflicting_gtid


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
