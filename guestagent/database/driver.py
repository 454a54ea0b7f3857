"""The only file that imports PyMySQL. Its errors become ours at once, with what was being done."""

from __future__ import annotations

import math
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NoReturn, cast

import pymysql
from pymysql.cursors import DictCursor

from guestagent.database.connection_advice import get_connection_advice
from guestagent.database.session_variables import READ_WRITE, build_session_statement
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.tls import UnusableCertificate, build_tls_context
from guestagent.errors import DatabaseRefused, DatabaseUnreachable
from guestagent.metadata.document import Tls
from guestagent.metadata.host_port import format_host_port
from guestagent.secret import Secret
from guestagent.time_limit import TimeLimitExceeded, limit_time

Row = Mapping[str, str | None]

UNREACHABLE_ERRORS = frozenset({0, 1040, 1053, 1927, 2002, 2003, 2006, 2013})
"""Nobody to ask, or not now: closed, too many connections, shutdown, killed, lost."""


class NoAnswer(DatabaseUnreachable):
    """Nobody to ask. `number` is the driver's or the server's, `text` says how it was silent."""

    def __init__(self, doing: str, number: int, text: str) -> None:
        super().__init__(doing, number, text)
        self.doing, self.number, self.text = doing, number, text

    def __str__(self) -> str:
        return f"{self.doing}: {self.text}"

    @property
    def advice(self) -> str:
        return get_connection_advice(self.text)


DUMP_TIMEOUT_S = 10.0
DUMP_BYTES_LIMIT = 64 * 1024 * 1024
END_OF_LOG, MIN_EVENT_SIZE = b"\xfe", 9

CLIENT_SSL = 0x0800
"""The server's capability in its greeting (CLIENT_SSL)."""

SSL_CIPHER_STATUS = sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
NO_TLS = "SSL is required"
"""So begins what PyMySQL, the servers and we say of a server without TLS."""

PLAINTEXT = Tls(required=False)

# What answers on a port may be anything: PyMySQL takes its bytes apart without asking whose they are.
_NOISE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError, struct.error)


TOTAL_TIMEOUT_FACTOR = 2
"""Timeouts that a whole answer, or a whole login, may take, however it comes in pieces. One is for the first byte."""


class Connection:
    """One session with a server. No answer is waited for longer than its timeout; after that it is closed."""

    def __init__(self, raw: pymysql.Connection[DictCursor], line: socket.socket) -> None:
        """`line` is a second handle on the session's socket."""
        self._raw, self._line, self._until = raw, line, math.inf

    def limit_total_time(self, seconds: float) -> None:
        """Let all answers from now on take so long together."""
        self._until = time.monotonic() + seconds

    def fetch_rows(self, statement: Statement, doing: str) -> list[Row]:
        """What the server answers, every value as text. `doing` is what an error says that we were at."""
        text = statement.reveal()
        seconds = min(TOTAL_TIMEOUT_FACTOR * self._wait, self._until - time.monotonic())
        limited = _limited(seconds, self._line)
        with self._closed_by_silence(), _typed(doing, statement), limited, self._raw.cursor() as cursor:
            cursor.execute(text)
            return [{name: _text(value) for name, value in row.items()} for row in cursor.fetchall()]

    def dump_binlog(
        self, command: int, request: bytes, doing: str, size_limit: int = DUMP_BYTES_LIMIT
    ) -> Iterator[bytes]:
        """Ask for the binary log as a replica does, and yield its events. The session is of no other use afterwards.

        It ends at the end of the log. NoAnswer after DUMP_TIMEOUT_S: a source may have to read through a whole file
        before it comes to what is asked for. NoAnswer also after `size_limit` bytes: rows may be large. The first byte
        of a packet is the protocol's own.
        """
        until, size = time.monotonic() + DUMP_TIMEOUT_S, 0
        raw = cast("Any", self._raw)  # PyMySQL has no public name for what other clients call a command
        with _typed(doing):
            raw._execute_command(command, request)
        while (left := until - time.monotonic()) > 0 and size < size_limit:
            with self._closed_by_silence(), _typed(doing), _limited(left, self._line):
                packet: bytes = raw._read_packet()._data
            size += len(packet)
            if packet[:1] == END_OF_LOG and len(packet) < MIN_EVENT_SIZE:
                return
            yield packet[1:]
        self.close()
        limit = f"{size} bytes" if left > 0 else f"{DUMP_TIMEOUT_S:g} s"
        raise NoAnswer(doing, 0, f"it was stopped after {limit}, before the end of the log")

    @contextmanager
    def _closed_by_silence(self) -> Iterator[None]:
        try:
            yield
        except NoAnswer:
            self.close()
            raise

    @contextmanager
    def apply_temporarily(self, before: Statement, after: Statement, doing: str) -> Iterator[None]:
        """`before` takes effect for what is done within; `after` takes it back, whatever came of that."""
        self.fetch_rows(before, doing)
        try:
            yield
        finally:
            self.fetch_rows(after, doing)

    @contextmanager
    def extend_lock_wait(self, seconds: float, doing: str) -> Iterator[None]:
        """Within the block a statement may wait for a lock for `seconds`, and we for its answer."""
        usual = self._wait
        longer = max(usual, seconds)
        with self.apply_temporarily(_limit_lock_wait(longer), _limit_lock_wait(usual), doing):
            self._wait = longer
            try:
                yield
            finally:
                self._wait = usual

    @property
    def _wait(self) -> float:
        """Seconds for which an answer is waited for. PyMySQL sets them at each read, and has no other way to them."""
        return float(getattr(self._raw, "_read_timeout"))  # noqa: B009 - its types leave it out

    @_wait.setter
    def _wait(self, seconds: float) -> None:
        setattr(self._raw, "_read_timeout", seconds)  # noqa: B010

    def close(self) -> None:
        with suppress(pymysql.MySQLError, OSError):
            self._raw.close()
        self._line.close()


def connect_socket(path: str, user: str, timeout: float) -> Connection:
    """As `user`, whom the server knows by being that user of the machine. No TLS: nobody is in between."""
    with _typed(f"connecting to {path}"):
        raw = _prepared(user, b"", "localhost", PLAINTEXT, timeout)
        return _connected(raw, _local(path, timeout), timeout)


def connect_tcp(
    host: str, port: int, user: str, password: Secret, tls: Tls | None, timeout: float
) -> Connection:
    """Encrypted and verified as `tls` says; None: where the server offers it, and in clear where it does not."""
    with _typed(f"logging in to {format_host_port(host, port)} as {user}"):
        # As bytes: PyMySQL encodes text as Latin-1, and the server hashed UTF-8.
        secret = password.reveal().encode()
        stream = socket.create_connection((host, port), timeout)
        with _closed_on_failure(stream):
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            how = tls if tls is not None and tls.required else _chosen(stream, tls)
            connection = _connected(_prepared(user, secret, host, how, timeout), stream, timeout)
    with _closed_on_failure(connection):
        if how.required and not _encrypted(connection, host):
            # PyMySQL before 1.2 goes on in the clear where the server offers no TLS, whatever it was told.
            doing = f"logging in to {format_host_port(host, port)} as {user}"
            raise DatabaseRefused(doing, 2026, f"{NO_TLS}, but the server does not support it")
    return connection


def _chosen(stream: socket.socket, tls: Tls | None) -> Tls:
    """By what the greeting offers, where that may decide.

    A server that asks for the password itself now and then (caching_sha2_password) is not told it in clear even where a
    channel in clear is wanted: unverified TLS is as good as the key that it would send, and needs no library for it.
    Looked at, not taken: the greeting is PyMySQL's. One that comes in pieces is taken for one that offers TLS.
    """
    try:
        greeting = stream.recv(512, socket.MSG_PEEK)
    except TimeoutError:
        raise pymysql.OperationalError(2013, "no greeting: timed out") from None
    version_ends = greeting.find(b"\0", 5)
    capabilities = greeting[version_ends + 14 : version_ends + 16]
    whole = version_ends > 0 and len(capabilities) == 2
    offers = not whole or bool(int.from_bytes(capabilities, "little") & CLIENT_SSL)
    if tls is None:
        return Tls() if offers else PLAINTEXT
    return Tls() if whole and offers and b"caching_sha2_password" in greeting else tls


def _encrypted(connection: Connection, host: str) -> bool:
    rows = connection.fetch_rows(SSL_CIPHER_STATUS, f"looking whether {host} is reached over TLS")
    return any(row.get("Value") for row in rows)


def _prepared(
    user: str, password: bytes, host: str, tls: Tls, timeout: float
) -> pymysql.Connection[DictCursor]:
    """Everything said, also what PyMySQL's versions have different defaults for; nothing sent yet."""
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
        use_unicode=False,  # an error of a channel may quote what is no UTF-8: `_text` takes that
        autocommit=True,
        init_command=build_session_statement(_lock_wait(timeout)),
        conv={},
        cursorclass=DictCursor,
        auth_plugin_map=dict.fromkeys(("mysql_clear_password", "mysql_old_password", "dialog"), _Guard),
        defer_connect=True,
    )


class _Guard:
    """Stands where PyMySQL would tell the password to whoever answers at an address and asks for it in clear."""

    def __init__(self, connection: pymysql.Connection[DictCursor]) -> None:
        pass

    def authenticate(self, packet: object) -> NoReturn:
        raise pymysql.OperationalError(2059, "the server asks for the password in clear: it gets none")


def _lock_wait(timeout: float) -> int:
    """Seconds for which a statement may wait for a lock: less than we wait for it, or it would wait on without us."""
    return max(1, int(timeout * 0.8))


def _limit_lock_wait(timeout: float) -> Statement:
    return sql(f"SET SESSION lock_wait_timeout = {_lock_wait(timeout)}")


def _local(path: str, timeout: float) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.settimeout(timeout)
    with _closed_on_failure(stream):
        stream.connect(path)
    return stream


def _connected(raw: pymysql.Connection[DictCursor], stream: socket.socket, timeout: float) -> Connection:
    """The login over a stream of ours: PyMySQL forgets to close one that it could not connect."""
    line = stream.dup()
    with _closed_on_failure(stream), _closed_on_failure(line):
        with _limited(TOTAL_TIMEOUT_FACTOR * timeout, line):
            raw.connect(stream)
        connection = Connection(raw, line)
        connection.fetch_rows(READ_WRITE, "setting up the session")
        return connection


@contextmanager
def _limited(seconds: float, line: socket.socket) -> Iterator[None]:
    try:
        with limit_time(seconds, line):
            yield
    except TimeLimitExceeded as error:
        raise pymysql.OperationalError(2013, str(error)) from None


@contextmanager
def _closed_on_failure(opened: socket.socket | Connection) -> Iterator[None]:
    with ExitStack() as stack:
        stack.callback(opened.close)
        yield
        stack.pop_all()


@contextmanager
def _typed(doing: str, statement: Statement | None = None) -> Iterator[None]:
    """`from None`: what the driver's error drags along is not ours to show."""
    try:
        yield
    except (pymysql.MySQLError, OSError, UnusableCertificate, *_NOISE) as error:
        number, text = _said(error)
        text = remove_query_text(text if statement is None else statement.mask_secrets(text))
        if number in UNREACHABLE_ERRORS:
            raise NoAnswer(doing, number, text) from None
        raise DatabaseRefused(doing, number, text) from None


def remove_query_text(text: str) -> str:
    """A server's error text without the statement that it quotes: that may show passwords in clear."""
    for quote in ("Query:", " near '"):
        text = text.partition(quote)[0]
    return " ".join(text.split()).rstrip(" ;,.")


def _said(error: Exception) -> tuple[int, str]:
    """Number and text. An error without a number is the driver's own: what came was no answer of a server."""
    cause = getattr(error, "original_exception", error)
    if isinstance(cause, ssl.SSLError | UnusableCertificate):
        return 2026, str(cause)
    match error:
        case pymysql.MySQLError(args=[int(number), str(text), *_]):
            return number, text or "the connection is closed"
        case RuntimeError() if "cryptography" in str(error):
            # Only where the server offers no TLS: PyMySQL would encrypt the password with a key that the server sends.
            return 2061, "no TLS for the password, and no package cryptography to encrypt it with"
        case UnicodeEncodeError():
            # Its own text would quote what could not be encoded.
            return 2000, "a text that is not valid Unicode"
        case OSError():
            return 2003, str(error)
    return 2013, f"the answer makes no sense ({type(error).__name__})"


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
