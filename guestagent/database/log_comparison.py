"""Whether the same GTIDs stand for the same transactions in the binary logs of two servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from guestagent.database.connection import Connection, over_socket, over_tcp
from guestagent.database.gtid import History
from guestagent.database.open import find_family
from guestagent.errors import DatabaseRefused, DatabaseUnreachable, DatabaseUnsupported
from guestagent.metadata.document import Source, Tls, Unresolved

COMPARED_LIMIT = 20_000
"""Transactions that one comparison holds in memory. The next one goes on after them."""

LASTING_ERRORS = frozenset({1236, 1789})
"""A server cannot send what was asked for: purged, not in its log, or damaged. Other errors may pass."""


@dataclass(frozen=True, slots=True)
class ComparedLogs:
    """How far two binary logs have been compared, and what came of it.

    `replaced`: a GTID under which they have different transactions, "" for none. `equal`: what both have alike, None
    for nothing. `unread`: why the comparison must go on later, "" if it is complete. `impossible`: why no later
    comparison can succeed either.
    """

    replaced: str = ""
    equal: History | None = None
    unread: str = ""
    impossible: str = ""


CompareBinaryLogs = Callable[[Source, Tls | None, History, History, "History | None"], ComparedLogs]
"""What `LogComparison.compare` is, for tests that have no server."""


@dataclass(slots=True)
class Excerpt:
    """A stretch of a log: the time of each transaction. `unread`: why it ends too early, "" if it does not."""

    stamps: dict[str, int] = field(default_factory=dict)
    unread: str = ""


class LogComparison:
    """The logs of the server behind a local socket and of its source. `timeout` in seconds, for each answer.

    One comparison reads at most `limit` transactions.
    """

    def __init__(self, socket: str, timeout: float, user: str = "root", limit: int = COMPARED_LIMIT) -> None:
        self._socket, self._timeout, self._user, self._limit = socket, timeout, user, limit

    def compare(
        self, source: Source, tls: Tls | None, since: History, until: History, equal: History | None
    ) -> ComparedLogs:
        """Compare the newest of `since` and what follows up to `until`, without `equal`, which was compared earlier.

        Of each log it reads at most what `Connection.dump` allows.
        """
        if isinstance(source.user.password, Unresolved):
            return ComparedLogs(unread="the password of the source is not known")
        whose = "this server"
        try:
            with closing(over_socket(self._socket, self._user, self._timeout)) as here:
                ours = read_excerpt(here, since, until, equal, self._limit)
            if not ours.stamps:
                return ComparedLogs(unread=ours.unread)
            whose = "the source"
            login = (str(source.address), source.port, str(source.user.name), source.user.password)
            with closing(over_tcp(*login, tls, self._timeout)) as there:
                return compare_excerpts(
                    ours, read_excerpt(there, since, since.of(*ours.stamps), equal), since
                )
        except DatabaseUnreachable as error:
            return ComparedLogs(unread=f"{whose}: {error}")
        except DatabaseRefused as error:
            reason = f"{whose}: {error}"
            return (
                ComparedLogs(impossible=reason)
                if error.number in LASTING_ERRORS
                else ComparedLogs(unread=reason)
            )
        except (DatabaseUnsupported, ValueError) as error:
            return ComparedLogs(impossible=f"{whose}: {error}")


def compare_excerpts(ours: Excerpt, theirs: Excerpt, family: History) -> ComparedLogs:
    """Compare what both logs have. A log that ends early leaves the rest for later."""
    replaced = find_difference(ours.stamps, theirs.stamps)
    if replaced:
        return ComparedLogs(replaced)
    shared = [gtid for gtid in ours.stamps if gtid in theirs.stamps]
    return ComparedLogs(equal=family.of(*shared) if shared else None, unread=theirs.unread or ours.unread)


def find_difference(ours: Mapping[str, int], theirs: Mapping[str, int]) -> str:
    """Return the first GTID that both have with different times; "" if there is none."""
    return next((gtid for gtid, made in ours.items() if theirs.get(gtid, made) != made), "")


def read_excerpt(
    connection: Connection, since: History, until: History, equal: History | None = None, limit: int = COMPARED_LIMIT
) -> Excerpt:
    """Read the times of transactions from the log of the server behind `connection`."""
    return collect_stamps(find_family(connection).stamps(connection, since, until, equal), limit)


def collect_stamps(stamps: Iterator[tuple[str, int]], limit: int = COMPARED_LIMIT) -> Excerpt:
    """Collect at most `limit` times, and keep those that came before a connection was lost or took too long."""
    excerpt = Excerpt()
    try:
        for gtid, made in stamps:
            excerpt.stamps[gtid] = made
            if len(excerpt.stamps) >= limit:
                excerpt.unread = f"{limit} transactions are compared, and the log may go on"
                break
    except DatabaseUnreachable as error:
        excerpt.unread = str(error)
    return excerpt
