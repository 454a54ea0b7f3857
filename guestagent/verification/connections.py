"""The sessions of a verification: on the source with the account of the metadata, on the replica over its socket."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.login import connect_socket, connect_tcp
from guestagent.database.sql_statement import sql
from guestagent.metadata.document import Source, Tls, User
from guestagent.secret import Secret

CONTROL_TIMEOUT_S = 30.0
"""For STOP and START of the SQL thread, which wait for the transactions that it is executing."""

DISABLE_BINARY_LOG = sql("SET SESSION sql_log_bin = 0")
SET_SESSION = sql(
    "SET SESSION time_zone = '+00:00', wait_timeout = 2592000, sql_quote_show_create = 1"
    " /*!80023 , information_schema_stats_expiry = 0 */"
)
"""Both servers must write a value in the same way, and one session waits while the other server reads a large table.
MySQL's statistics of a table may otherwise be a day old.
"""


def open_source_session(source: Source, user: User, tls: Tls | None, timeout_s: float) -> Connection:
    """Log in to the source as the verification's account, encrypted as the channel is."""
    password = user.password if isinstance(user.password, Secret) else Secret(str(user.password))
    connection = connect_tcp(str(source.address), source.port, str(user.name), password, tls, timeout_s)
    return _prepare_session(connection)


def open_local_session(socket: str, timeout_s: float) -> Connection:
    """Log in to the local server as root, to read. Without the binary log, MariaDB releases locks after each chunk."""
    connection = connect_socket(socket, "root", timeout_s)
    connection.fetch_rows(DISABLE_BINARY_LOG, "setting up the session")
    return _prepare_session(connection)


def open_control_session(socket: str, timeout_s: float) -> Connection:
    """Log in to the local server as root, to stop and start the SQL thread."""
    return connect_socket(socket, "root", max(timeout_s, CONTROL_TIMEOUT_S))


def _prepare_session(connection: Connection) -> Connection:
    connection.fetch_rows(SET_SESSION, "setting up the session")
    connection.allow_long_queries()
    return connection
