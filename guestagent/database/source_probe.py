"""A look at a source through the replication account, as the channel itself would log in."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from guestagent.database.connection import Connection
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.detect import read_source_state
from guestagent.database.greeting import PLAINTEXT
from guestagent.database.login import connect_tcp
from guestagent.database.login_backoff import LoginBackoff
from guestagent.database.malformed_response import translate_malformed_response
from guestagent.database.sql_statement import sql
from guestagent.database.state import ServerError, SourceState
from guestagent.errors import DatabaseRefused, DatabaseUnsupported
from guestagent.metadata.document import Tls
from guestagent.secret import Secret

OPERATION = "looking at the source's status"
SESSION_STATUS = sql(
    "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_cipher', 'Ssl_server_not_after', 'Uptime',"
    " 'Rpl_semi_sync_source_wait_sessions', 'Rpl_semi_sync_master_wait_sessions')"
)
# LIKE, with which MySQL takes a fifth of the time of WHERE: it has an index for that.
RESET_COUNT = sql("SHOW GLOBAL STATUS LIKE 'Com_reset'")
# MariaDB's FLUSH GLOBAL STATUS sets that count to zero: what began then counts as another life.
UPTIME_SINCE_FLUSH = sql("SHOW GLOBAL STATUS LIKE 'Uptime_since_flush_status'")
WAIT_SESSION_VARIABLES = ("Rpl_semi_sync_source_wait_sessions", "Rpl_semi_sync_master_wait_sessions")
ER_ACCESS_DENIED = 1045
PROBE_TIMEOUT_FACTOR = 3  # timeouts that all answers of one look may take together
DAY_S = 86400


class TcpSourceProbe:
    """The SourceView of a real server. `timeout` in seconds, for the connection and for every query."""

    def __init__(self, timeout: float, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is the clock of the pauses after a refused password."""
        self._timeout = timeout
        self._refused: LoginBackoff[_Login] = LoginBackoff(now)
        self._keeps = False
        self._kept: tuple[_Login, Connection] | None = None

    @contextmanager
    def reuse_session(self) -> Iterator[None]:
        self._keeps = True
        try:
            yield
        finally:
            self._keeps = False
            self._keep(None)

    def probe(self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None) -> SourceState:
        """Never raises: what went wrong is the state's `error`.

        A login that was refused for its password is not tried again at once: the answer is the one from before.
        """
        login = _Login(host, port, user, password, tls)
        if self._kept is not None and self._kept[0] == login:
            with suppress(NoAnswer, DatabaseRefused, DatabaseUnsupported):  # a new login tells more
                return self._seen(self._kept[1])
        return self._unless_refused(login, self._look)

    def try_login(
        self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None
    ) -> ServerError | None:
        login = _Login(host, port, user, password, tls)
        return self._unless_refused(login, lambda each: SourceState(error=self._log_in(each))).error

    def _unless_refused(self, login: _Login, attempt: Callable[[_Login], SourceState]) -> SourceState:
        """Make the attempt, or repeat the answer that a refused password got a moment ago."""
        refused = self._refused.find_error(login.who, login)
        if refused is not None:
            return SourceState(error=refused)
        seen = attempt(login)
        error = None if seen.error is None else self._explain(login, seen.error)
        self._refused.record_attempt(login.who, login, error)
        return seen if error is None else SourceState(error=error)

    def _explain(self, login: _Login, error: ServerError) -> ServerError:
        """Tell an account that must use TLS from a wrong password: the server says the same of both."""
        is_denied_in_clear = login.tls == PLAINTEXT and error.number == ER_ACCESS_DENIED
        if is_denied_in_clear and self._log_in(replace(login, tls=Tls())) is None:
            return ServerError(ER_ACCESS_DENIED, f"{error.text}: it is let in over TLS only")
        return error

    def _log_in(self, login: _Login) -> ServerError | None:
        try:
            login.session(self._timeout).close()
        except (NoAnswer, DatabaseRefused) as error:
            return ServerError(error.number, error.text)
        return None

    def _look(self, login: _Login) -> SourceState:
        try:
            with ExitStack() as stack:
                connection = login.session(self._timeout)
                stack.callback(connection.close)
                seen = self._seen(connection)
                if self._keeps:
                    stack.pop_all()
                    self._keep((login, connection))
                return seen
        except (NoAnswer, DatabaseRefused) as error:
            return SourceState(error=ServerError(error.number, error.text))
        except DatabaseUnsupported as error:
            return SourceState(error=ServerError(0, str(error)))

    def _seen(self, connection: Connection) -> SourceState:
        connection.limit_total_time(PROBE_TIMEOUT_FACTOR * self._timeout)
        return _status(connection, read_source_state(connection))

    def _keep(self, kept: tuple[_Login, Connection] | None) -> None:
        if self._kept is not None:
            self._kept[1].close()
        self._kept = kept


@dataclass(frozen=True, slots=True)
class _Login:
    host: str
    port: int
    user: str
    password: Secret
    tls: Tls | None

    @property
    def who(self) -> tuple[str, int, str]:
        return self.host, self.port, self.user

    def session(self, timeout: float) -> Connection:
        return connect_tcp(self.host, self.port, self.user, self.password, self.tls, timeout)


@translate_malformed_response(OPERATION)
def _status(connection: Connection, seen: SourceState) -> SourceState:
    rows = connection.fetch_rows(SESSION_STATUS, OPERATION)
    said = {str(row["Variable_name"]): row["Value"] or "" for row in rows}
    until = said.get("Ssl_server_not_after", "")
    try:
        left = int((ssl.cert_time_to_seconds(until) - time.time()) // DAY_S) if until else None
    except ValueError:
        left = None
    waiting = sum(int(said.get(name) or 0) for name in WAIT_SESSION_VARIABLES)
    counting = next((row["Value"] for row in connection.fetch_rows(UPTIME_SINCE_FLUSH, OPERATION)), None)
    uptime = counting or said.get("Uptime")
    return replace(
        seen,
        tls=bool(said.get("Ssl_cipher")),
        certificate_days=left,
        waiting_session_count=waiting,
        start_time=int(time.time()) - int(uptime) if uptime else None,
        reset_count=sum(int(row["Value"] or 0) for row in connection.fetch_rows(RESET_COUNT, OPERATION)),
    )
