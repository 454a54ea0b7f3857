"""The only file that imports PyMySQL. It translates PyMySQL's errors at once, and adds the operation that failed."""

from __future__ import annotations

import select
import socket
import ssl
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NoReturn, Protocol, cast

from guestagent.database.connecting_diagnosis import MALFORMED_RESPONSE
from guestagent.database.connection_errors import (
    CR_SERVER_LOST,
    UNREACHABLE_ERRORS,
    NoAnswer,
    remove_query_text,
)
from guestagent.database.lock_wait import compute_lock_wait
from guestagent.database.session_variables import build_session_statement
from guestagent.database.sql_statement import Statement
from guestagent.database.tls import UnusableCertificate, build_tls_context
from guestagent.deferred_modules import defer_modules
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Tls
from guestagent.time_limit import TimeLimitExceeded, limit_time

# PyMySQL imports these first of all, but uses them only to log in on MySQL without TLS. They take 8 MiB.
defer_modules(
    "cryptography.hazmat.primitives.hashes",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.hazmat.primitives.asymmetric.padding",
)

import pymysql  # noqa: E402
from pymysql.cursors import DictCursor  # noqa: E402

Row = Mapping[str, str | None]
"""A row of a result, every value as text."""

CR_UNKNOWN_ERROR, CR_CONN_HOST_ERROR, CR_SSL_CONNECTION_ERROR = 2000, 2003, 2026
CR_AUTH_PLUGIN_CANNOT_LOAD, CR_AUTH_PLUGIN_ERR = 2059, 2061

# Anything may answer on a port, and PyMySQL parses its bytes without checking that they come from a server.
MALFORMED_RESPONSE_ERRORS = (
    ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError, struct.error,
)  # fmt: skip
# Only if the server offers no TLS: PyMySQL would encrypt the password with a key that the server sends.
NO_CRYPTOGRAPHY = (
    CR_AUTH_PLUGIN_ERR, "no TLS for the password, and no package cryptography to encrypt it with",
)  # fmt: skip

CLEARTEXT_PLUGINS = ("mysql_clear_password", "mysql_old_password", "dialog")


class Closable(Protocol):
    def close(self) -> None: ...


class DriverSession:
    """A session of PyMySQL. `socket_handle` is a second handle on its socket, which a time limit shuts down."""

    def __init__(self, session: pymysql.Connection[DictCursor], socket_handle: socket.socket) -> None:
        self._session, self._socket_handle = session, socket_handle

    def fetch_rows(self, statement: Statement, operation: str, timeout: float) -> list[Row]:
        """Run a statement and return its rows, within `timeout` seconds."""
        text = statement.reveal()
        with (
            translate_errors(operation, statement),
            limit_time(timeout, self._socket_handle),
            self._session.cursor() as cursor,
        ):
            cursor.execute(text)
            return [{name: _decode_value(value) for name, value in row.items()} for row in cursor.fetchall()]

    def send_command(self, command: int, request: bytes, operation: str) -> None:
        """Send a command of the client/server protocol, for which PyMySQL has no public name."""
        with translate_errors(operation):
            cast("Any", self._session)._execute_command(command, request)

    def has_response(self, seconds: float) -> bool:
        """Return whether bytes from the server can be read, within `seconds`; also if it has closed the session."""
        poll = select.poll()
        poll.register(self._socket_handle, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def read_packet(self, operation: str, timeout: float, statement: Statement | None = None) -> bytes:
        """Read a packet. An error has no secrets of the `statement` that it answers."""
        with translate_errors(operation, statement), limit_time(timeout, self._socket_handle):
            packet: bytes = cast("Any", self._session)._read_packet()._data
        return packet

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for a response. PyMySQL applies them at each read, and has no public name for them."""
        return float(getattr(self._session, "_read_timeout"))  # noqa: B009 - its types leave it out

    @read_timeout.setter
    def read_timeout(self, seconds: float) -> None:
        setattr(self._session, "_read_timeout", seconds)  # noqa: B010

    def close(self) -> None:
        with suppress(pymysql.MySQLError, OSError):
            self._session.close()
        self._socket_handle.close()


def log_in(
    stream: socket.socket, user: str, password: bytes, host: str, tls: Tls, timeouts: tuple[float, float]
) -> DriverSession:
    """Log in over a connected socket, which is closed if that fails: PyMySQL does not close it.

    `timeouts` in seconds: of each response, and of the whole login.
    """
    socket_handle = stream.dup()
    with close_on_failure(stream), close_on_failure(socket_handle):
        session = _prepare_session(user, password, host, tls, timeouts[0])
        with limit_time(timeouts[1], socket_handle):
            session.connect(stream)
    return DriverSession(session, socket_handle)


@contextmanager
def close_on_failure(resource: Closable) -> Iterator[None]:
    """Close `resource` if the block fails."""
    with ExitStack() as stack:
        stack.callback(resource.close)
        yield
        stack.pop_all()


@contextmanager
def translate_errors(operation: str, statement: Statement | None = None) -> Iterator[None]:
    """Turn an error of PyMySQL, of the socket or of TLS into NoAnswer or DatabaseRefused.

    `from None`: the driver's own error may hold secrets.
    """
    try:
        yield
    except (
        pymysql.MySQLError,
        OSError,
        UnusableCertificate,
        ImportError,
        *MALFORMED_RESPONSE_ERRORS,
    ) as error:
        number, text = _read_error(error)
        text = remove_query_text(text if statement is None else statement.mask_secrets(text))
        if number in UNREACHABLE_ERRORS:
            raise NoAnswer(operation, number, text) from None
        raise DatabaseRefused(operation, number, text) from None


def _read_error(error: Exception) -> tuple[int, str]:
    """Return number and text. An error without a number is the driver's own: no server sent such a response."""
    cause = getattr(error, "original_exception", error)
    if isinstance(cause, ssl.SSLError | UnusableCertificate):
        return CR_SSL_CONNECTION_ERROR, str(cause)
    match error:
        case pymysql.MySQLError(args=[int(number), str(text), *_]):
            return number, text or "the connection is closed"
        case ImportError():
            return NO_CRYPTOGRAPHY
        case RuntimeError() if "cryptography" in str(error):
            return NO_CRYPTOGRAPHY
        case UnicodeEncodeError():
            # Its own text would quote the text that could not be encoded.
            return CR_UNKNOWN_ERROR, "a text that is not valid Unicode"
        case TimeLimitExceeded():
            return CR_SERVER_LOST, str(error)
        case OSError():
            return CR_CONN_HOST_ERROR, str(error)
    return CR_SERVER_LOST, f"{MALFORMED_RESPONSE} ({type(error).__name__})"


def _prepare_session(
    user: str, password: bytes, host: str, tls: Tls, timeout: float
) -> pymysql.Connection[DictCursor]:
    """Set every option, also those whose default differs between versions of PyMySQL; nothing is sent yet."""
    return pymysql.connect(
        host=host,
        user=user,
        password=password,
        ssl_disabled=not tls.required,
        ssl=build_tls_context(tls) if tls.required else None,
        connect_timeout=timeout,
        read_timeout=timeout,
        write_timeout=timeout,
        charset="utf8mb4",
        use_unicode=False,  # an error of a channel may quote text that is not UTF-8: `_decode_value` handles it
        autocommit=True,
        init_command=build_session_statement(compute_lock_wait(timeout)),
        conv={},
        cursorclass=DictCursor,
        auth_plugin_map=dict.fromkeys(CLEARTEXT_PLUGINS, _CleartextGuard),
        defer_connect=True,
    )


class _CleartextGuard:
    """Replaces the plugins with which PyMySQL would send the password in clear to any server that asks for it."""

    def __init__(self, session: pymysql.Connection[DictCursor]) -> None:
        pass

    def authenticate(self, packet: object) -> NoReturn:
        raise pymysql.OperationalError(
            CR_AUTH_PLUGIN_CANNOT_LOAD, "the server asks for the password in clear, which is never sent"
        )


def _decode_value(value: object) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
