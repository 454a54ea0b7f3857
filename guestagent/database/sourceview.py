"""A look at a source through the replication account, as the channel itself would log in."""

from __future__ import annotations

from contextlib import closing

from guestagent.database.connection import NoAnswer, over_tcp
from guestagent.database.open import look_at_source
from guestagent.database.state import ServerError, SourceState
from guestagent.errors import DatabaseRefused, DatabaseUnsupported
from guestagent.secret import Secret


class TcpSourceView:
    """The SourceView of a real server. `timeout` in seconds, for the connection and for every query."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    def look(self, host: str, port: int, user: str, password: Secret, ca: str | None = None) -> SourceState:
        """Never raises: what went wrong is the state's `error`."""
        try:
            with closing(over_tcp(host, port, user, password, ca, self._timeout)) as connection:
                return look_at_source(connection)
        except (NoAnswer, DatabaseRefused) as error:
            return SourceState(error=ServerError(error.number, error.text))
        except DatabaseUnsupported as error:
            return SourceState(error=ServerError(0, str(error)))
