"""Whether the same GTIDs stand for the same transactions in the binary logs of two servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import islice

from guestagent.database.connection import Connection, over_socket, over_tcp
from guestagent.database.gtid import History
from guestagent.database.open import find_family
from guestagent.errors import DatabaseError, DatabaseUnreachable
from guestagent.metadata.document import Source, Tls, Unresolved

COMPARED_LIMIT = 2000
FindReplaced = Callable[[Source, Tls | None, History, History], str | None]
"""What `LogComparison.find_replaced` is, for tests that have no server."""


class LogComparison:
    """The logs of the server behind a local socket and of its source. `timeout` in seconds, for each answer."""

    def __init__(self, socket: str, timeout: float, user: str = "root") -> None:
        self._socket, self._timeout, self._user = socket, timeout, user

    def find_replaced(self, source: Source, tls: Tls | None, since: History, until: History) -> str | None:
        """Return a GTID under which the two logs have different transactions, "" if there is none.

        Compared are the newest of `since` and what follows up to `until`, and of that the first COMPARED_LIMIT. It is
        also "" if a log no longer has them: then nobody can know. None: a server did not answer, so try again.
        """
        if isinstance(source.user.password, Unresolved):
            return ""
        try:
            with closing(over_socket(self._socket, self._user, self._timeout)) as here:
                ours = read_stamps(here, since, until)
            if not ours:
                return ""
            login = (str(source.address), source.port, str(source.user.name), source.user.password)
            with closing(over_tcp(*login, tls, self._timeout)) as there:
                return find_difference(ours, read_stamps(there, since, until))
        except DatabaseUnreachable:
            return None
        except (DatabaseError, ValueError):
            return ""


def find_difference(ours: Mapping[str, int], theirs: Mapping[str, int]) -> str:
    """Return the first GTID that both have with different times; "" if there is none."""
    return next((gtid for gtid, made in ours.items() if theirs.get(gtid, made) != made), "")


def read_stamps(connection: Connection, since: History, until: History) -> dict[str, int]:
    """Read the times of transactions from the log of the server behind `connection`."""
    stamps = find_family(connection).stamps(connection, since, until)
    return dict(islice(stamps, COMPARED_LIMIT))
