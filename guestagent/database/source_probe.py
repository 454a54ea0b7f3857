"""Probing a source with the replication account, with the same login as the channel."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from guestagent.database.connection import Connection
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.detect import read_source_state
from guestagent.database.login import connect_tcp
from guestagent.database.login_backoff import LoginBackoff
from guestagent.database.opportunistic_tls import PLAINTEXT
from guestagent.database.sql_statement import sql
from guestagent.database.state import ServerError, SourceState
from guestagent.database.unsupported_response import translate_malformed_response
from guestagent.errors import DatabaseRefused, DatabaseUnsupported
from guestagent.metadata.document import Tls
from guestagent.secret import Secret

OPERATION = "reading the source's status"
SESSION_STATUS = sql(
    "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_cipher', 'Ssl_server_not_after', 'Uptime', 'Connections',"
    " 'Rpl_semi_sync_source_wait_sessions', 'Rpl_semi_sync_master_wait_sessions')"
)
# MySQL has an index for LIKE, which takes a fifth of the time of WHERE.
RESET_COUNT = sql("SHOW GLOBAL STATUS LIKE 'Com_reset'")
# MariaDB's FLUSH GLOBAL STATUS sets that count to zero, and counts here like a restart of the server.
UPTIME_SINCE_FLUSH = sql("SHOW GLOBAL STATUS LIKE 'Uptime_since_flush_status'")
WAIT_SESSION_VARIABLES = ("Rpl_semi_sync_source_wait_sessions", "Rpl_semi_sync_master_wait_sessions")
ER_ACCESS_DENIED = 1045
PROBE_TIMEOUT_FACTOR = 3  # all responses of one probe together may take this many timeouts
DAY_S = 86400


class TcpSourceProbe:
    """The SourceProbe for real servers. `timeout` in seconds, for the connection and for every query."""

    def __init__(self, timeout: float, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is the clock of the backoff after a rejected password."""
        self._timeout = timeout
        self._backoff: LoginBackoff[_Login] = LoginBackoff(now)
        self._is_reusing = False
        self._session: tuple[_Login, Connection] | None = None

    @contextmanager
    def reuse_session(self) -> Iterator[None]:
        self._is_reusing = True
        try:
            yield
        finally:
            self._is_reusing = False
            self._replace_session(None)

    def probe(self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None) -> SourceState:
        """Read the source's state. Does not raise: the state has the error.

        A login with a rejected password is not tried again at once: its error is returned again.
        """
        login = _Login(host, port, user, password, tls)
        if self._session is not None and self._session[0] == login:
            # After an error, a new login determines the current one.
            with suppress(NoAnswer, DatabaseRefused, DatabaseUnsupported):
                return self._read_state(self._session[1])
        return self._attempt_login(login, self._read_source)

    def try_login(
        self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None
    ) -> ServerError | None:
        login = _Login(host, port, user, password, tls)
        return self._attempt_login(login, lambda login: SourceState(error=self._log_in(login))).error

    def _attempt_login(self, login: _Login, read_state: Callable[[_Login], SourceState]) -> SourceState:
        """Call `read_state`, or return the error again with which the password was rejected a moment ago."""
        last_error = self._backoff.find_error(login.target, login)
        if last_error is not None:
            return SourceState(error=last_error)
        state = read_state(login)
        error = None if state.error is None else self._explain_error(login, state.error)
        self._backoff.record_attempt(login.target, login, error)
        return state if error is None else SourceState(error=error)

    def _explain_error(self, login: _Login, error: ServerError) -> ServerError:
        """Distinguish an account that requires TLS from a wrong password: the server's error is the same."""
        is_denied_in_clear = login.tls == PLAINTEXT and error.number == ER_ACCESS_DENIED
        if is_denied_in_clear and self._log_in(replace(login, tls=Tls())) is None:
            return ServerError(ER_ACCESS_DENIED, f"{error.text}: it is let in over TLS only")
        return error

    def _log_in(self, login: _Login) -> ServerError | None:
        try:
            login.connect(self._timeout).close()
        except (NoAnswer, DatabaseRefused) as error:
            return ServerError(error.number, error.text)
        return None

    def _read_source(self, login: _Login) -> SourceState:
        try:
            with ExitStack() as stack:
                connection = login.connect(self._timeout)
                stack.callback(connection.close)
                state = self._read_state(connection)
                if self._is_reusing:
                    stack.pop_all()
                    self._replace_session((login, connection))
                return state
        except (NoAnswer, DatabaseRefused) as error:
            return SourceState(error=ServerError(error.number, error.text))
        except DatabaseUnsupported as error:
            return SourceState(error=ServerError(0, str(error)))

    def _read_state(self, connection: Connection) -> SourceState:
        connection.limit_total_time(PROBE_TIMEOUT_FACTOR * self._timeout)
        return _add_session_status(connection, read_source_state(connection))

    def _replace_session(self, session: tuple[_Login, Connection] | None) -> None:
        if self._session is not None:
            self._session[1].close()
        self._session = session


@dataclass(frozen=True, slots=True)
class _Login:
    host: str
    port: int
    user: str
    password: Secret
    tls: Tls | None

    @property
    def target(self) -> tuple[str, int, str]:
        return self.host, self.port, self.user

    def connect(self, timeout: float) -> Connection:
        return connect_tcp(self.host, self.port, self.user, self.password, self.tls, timeout)


@translate_malformed_response(OPERATION)
def _add_session_status(connection: Connection, state: SourceState) -> SourceState:
    rows = connection.fetch_rows(SESSION_STATUS, OPERATION)
    status = {str(row["Variable_name"]): row["Value"] or "" for row in rows}
    expiry = status.get("Ssl_server_not_after", "")
    try:
        certificate_days = int((ssl.cert_time_to_seconds(expiry) - time.time()) // DAY_S) if expiry else None
    except ValueError:
        certificate_days = None
    waiting_session_count = sum(int(status.get(name) or 0) for name in WAIT_SESSION_VARIABLES)
    uptime_since_flush = next(
        (row["Value"] for row in connection.fetch_rows(UPTIME_SINCE_FLUSH, OPERATION)), None
    )
    uptime = uptime_since_flush or status.get("Uptime")
    return replace(
        state,
        tls=bool(status.get("Ssl_cipher")),
        certificate_days=certificate_days,
        waiting_session_count=waiting_session_count,
        start_time=int(time.time()) - int(uptime) if uptime else None,
        connection_count=int(status["Connections"]) if status.get("Connections") else None,
        reset_count=sum(int(row["Value"] or 0) for row in connection.fetch_rows(RESET_COUNT, OPERATION)),
    )
