"""A look at a source through the replication account, as the channel itself would log in."""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from dataclasses import replace

from guestagent.database.connection import PLAIN, Connection, NoAnswer, over_tcp
from guestagent.database.open import look_at_source
from guestagent.database.sql import sql
from guestagent.database.state import ServerError, SourceState
from guestagent.errors import DatabaseRefused, DatabaseUnsupported
from guestagent.metadata.document import Tls
from guestagent.secret import Secret

ENCRYPTION = sql("SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_cipher', 'Ssl_server_not_after')")
DENIED = 1045
DAY = 86400


class TcpSourceView:
    """The SourceView of a real server. `timeout` in seconds, for the connection and for every query."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    def look(
        self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None
    ) -> SourceState:
        """Never raises: what went wrong is the state's `error`."""
        seen = self._look(host, port, user, password, tls)
        if seen.error is not None and tls == PLAIN and seen.error.number == DENIED:
            # The server says the same of a wrong password and of an account that must use TLS.
            over_tls = self._look(host, port, user, password, Tls())
            if over_tls.error is None:
                return SourceState(error=ServerError(DENIED, f"{seen.error.text}: it is let in over TLS only"))
        return seen

    def _look(self, host: str, port: int, user: str, password: Secret, tls: Tls | None) -> SourceState:
        try:
            with closing(over_tcp(host, port, user, password, tls, self._timeout)) as connection:
                return _encryption(connection, look_at_source(connection))
        except (NoAnswer, DatabaseRefused) as error:
            return SourceState(error=ServerError(error.number, error.text))
        except DatabaseUnsupported as error:
            return SourceState(error=ServerError(0, str(error)))


def _encryption(connection: Connection, seen: SourceState) -> SourceState:
    rows = connection.rows(ENCRYPTION, "looking at the encryption")
    said = {str(row["Variable_name"]): row["Value"] or "" for row in rows}
    until = said.get("Ssl_server_not_after", "")
    try:
        left = int((ssl.cert_time_to_seconds(until) - time.time()) // DAY) if until else None
    except ValueError:
        left = None
    return replace(seen, tls=bool(said.get("Ssl_cipher")), certificate_days=left)
