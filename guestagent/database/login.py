"""Logging in to a server: over its local socket, or over TCP with or without TLS."""

from __future__ import annotations

import socket

from guestagent.database.connection import TOTAL_TIMEOUT_FACTOR, Connection
from guestagent.database.driver import CR_SSL_CONNECTION_ERROR, close_on_failure, log_in, translate_errors
from guestagent.database.opportunistic_tls import PLAINTEXT, choose_tls
from guestagent.database.session_variables import READ_WRITE
from guestagent.database.sql_statement import sql
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Tls
from guestagent.metadata.host_port import format_host_port
from guestagent.secret import Secret

SSL_CIPHER_STATUS = sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
TLS_UNSUPPORTED = "SSL is required, but the server does not support it"
"""PyMySQL and the servers begin their texts for a server without TLS with the same words."""

KEEPALIVE_OPTIONS = {
    socket.TCP_KEEPIDLE: 15,
    socket.TCP_KEEPINTVL: 15,
    socket.TCP_KEEPCNT: 3,
}
"""Seconds and number of probes. A connection whose other end is gone fails after a minute, however long it waits."""


def connect_socket(path: str, user: str, timeout: float) -> Connection:
    """Connect over a Unix socket as `user`, whom the server identifies by the system user of that name.

    No TLS: a local socket cannot be intercepted.
    """
    with translate_errors(f"connecting to {path}"):
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(timeout)
        with close_on_failure(stream):
            stream.connect(path)
        return _open_session(stream, user, b"", "localhost", PLAINTEXT, timeout)


def connect_tcp(
    host: str, port: int, user: str, password: Secret, tls: Tls | None, timeout: float
) -> Connection:
    """Connect over TCP, encrypted and verified as `tls` requires; None: encrypted if the server offers TLS."""
    operation = f"logging in to {format_host_port(host, port)} as {user}"
    with translate_errors(operation):
        # As bytes: PyMySQL encodes text as Latin-1, and the server hashed UTF-8.
        password_bytes = password.reveal().encode()
        stream = socket.create_connection((host, port), timeout)
        with close_on_failure(stream):
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE_OPTIONS.items():
                stream.setsockopt(socket.IPPROTO_TCP, option, value)
            session_tls = tls if tls is not None and tls.required else choose_tls(stream, tls, operation)
            connection = _open_session(stream, user, password_bytes, host, session_tls, timeout)
    with close_on_failure(connection):
        if session_tls.required and not _is_encrypted(connection, host):
            # PyMySQL before 1.2 continues in clear if the server offers no TLS, whatever its options are.
            raise DatabaseRefused(operation, CR_SSL_CONNECTION_ERROR, TLS_UNSUPPORTED)
    return connection


def _open_session(
    stream: socket.socket, user: str, password: bytes, host: str, tls: Tls, timeout: float
) -> Connection:
    timeouts = (timeout, TOTAL_TIMEOUT_FACTOR * timeout)
    connection = Connection(log_in(stream, user, password, host, tls, timeouts))
    with close_on_failure(connection):
        connection.fetch_rows(READ_WRITE, "setting up the session")
    return connection


def _is_encrypted(connection: Connection, host: str) -> bool:
    rows = connection.fetch_rows(SSL_CIPHER_STATUS, f"checking whether the connection to {host} is encrypted")
    return any(row.get("Value") for row in rows)
