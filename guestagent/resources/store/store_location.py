"""Reads where a store is: a file of SQLite, or a MariaDB or MySQL server. A password in it stays a Secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from guestagent.errors import InvalidInput, Problem
from guestagent.secret import Secret

SQLITE, SERVER = "sqlite", "mysql+pymysql"
SERVER_PORT = 3306
EXPECTED = f"{SQLITE}:////absolute/path, or {SERVER}://user:password@host/database"
SERVER_OPTIONS = frozenset({"ssl_ca", "ssl_cert", "ssl_key", "ssl_disabled", "unix_socket"})


@dataclass(frozen=True, slots=True)
class StoreFile:
    """A file of SQLite, for workers on one host."""

    path: Path


@dataclass(frozen=True, slots=True)
class StoreTls:
    """How a server proves its name, and the worker itself. Without a CA the system's are trusted."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreServer:
    """A database on a MariaDB or MySQL server. `tls` is None for a connection that nobody can read on its way."""

    host: str
    port: int
    user: str
    password: Secret
    database: str
    unix_socket: str | None
    tls: StoreTls | None

    def __str__(self) -> str:
        place = self.unix_socket if self.unix_socket is not None else f"{self.host}:{self.port}"
        return f"database {self.database} on {place}"


def read_store_location(url: Secret) -> StoreFile | StoreServer:
    """Read the URL of a store. Raise InvalidInput, which shows nothing of the URL: it may hold a password."""
    try:
        parts = urlsplit(url.reveal())
        port = parts.port
    except ValueError:
        raise _build_error("a URL that cannot be parsed") from None
    if parts.scheme == SQLITE:
        return _read_file(parts)
    if parts.scheme == SERVER:
        return _read_server(parts, SERVER_PORT if port is None else port)
    raise _build_error("another kind of URL")


def _read_file(parts: SplitResult) -> StoreFile:
    # SQLAlchemy's way: three slashes and the path, so an absolute one has four.
    path = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not path.startswith("//"):
        raise _build_error("one without an absolute path, or with options")
    return StoreFile(Path(path[1:]))


def _read_server(parts: SplitResult, port: int) -> StoreServer:
    database = unquote(parts.path.removeprefix("/"))
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    unknown_options = sorted(options.keys() - SERVER_OPTIONS)
    if unknown_options:
        known = ", ".join(sorted(SERVER_OPTIONS))
        raise _build_error(f"unknown options: {len(unknown_options)}", f"the known ones are {known}")
    if not parts.username or not database or "/" in database or parts.fragment:
        raise _build_error("one without a user or a database")
    host, unix_socket = parts.hostname or "localhost", options.get("unix_socket")
    return StoreServer(
        host=host,
        port=port,
        user=unquote(parts.username),
        password=Secret(unquote(parts.password or "")),
        database=database,
        unix_socket=unix_socket,
        tls=_read_tls(options, is_local=unix_socket is not None or _is_loopback(host)),
    )


def _read_tls(options: Mapping[str, str], *, is_local: bool) -> StoreTls | None:
    """Return None for a connection without TLS. That is one within this host, or one for which the URL says so."""
    tls = StoreTls(options.get("ssl_ca"), options.get("ssl_cert"), options.get("ssl_key"))
    is_disabled = options.get("ssl_disabled", "false")
    if is_disabled not in {"true", "false"}:
        raise _build_error("another value of ssl_disabled", "it is true or false")
    if is_disabled == "true" and tls != StoreTls():
        raise _build_error("ssl_disabled beside files for TLS", "remove one of them")
    if (tls.certificate is None) != (tls.key is None):
        raise _build_error("only one of ssl_cert and ssl_key", "name both")
    return None if is_disabled == "true" or (is_local and tls == StoreTls()) else tls


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _build_error(found: str, advice: str = "") -> InvalidInput:
    return InvalidInput([Problem("store", EXPECTED, found, advice)])
