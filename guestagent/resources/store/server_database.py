"""A store's database on a MariaDB or MySQL server: connections, TLS, and the server's clock."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, text

from guestagent.errors import StorageError
from guestagent.resources.store.sql_database import BUSY_TIMEOUT_S, POOL_SIZE, translate_sql_errors
from guestagent.resources.store.store_location import StoreServer, StoreTls

CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 30
SCHEMA_TIMEOUT_S = 30
"""For which a worker waits while another makes the tables."""
_SESSION = (
    f"SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = {BUSY_TIMEOUT_S:.0f}, "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"
)


class ServerTime:
    """The clock of the database server, which all workers on all hosts share."""

    def read_now(self, connection: Connection) -> float:
        return float(connection.execute(text("SELECT UNIX_TIMESTAMP(NOW(6))")).scalar_one())

    def read_wall_offset(self) -> float:
        return 0.0


def create_server_engine(server: StoreServer) -> Engine:
    """Return the engine of a database. Nothing is connected yet. The password is in no URL, which could be shown."""
    return create_engine(
        "mysql+pymysql://",
        connect_args={
            "host": server.host,
            "port": server.port,
            "unix_socket": server.unix_socket,
            "user": server.user,
            "password": server.password.reveal(),
            "database": server.database,
            "charset": "utf8mb4",
            "init_command": _SESSION,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": ANSWER_TIMEOUT_S,
            "write_timeout": ANSWER_TIMEOUT_S,
            **({"ssl_disabled": True} if server.tls is None else {"ssl": _build_tls_context(server.tls)}),
        },
        isolation_level="READ COMMITTED",
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_S,
        pool_pre_ping=True,
        hide_parameters=True,
    )


@contextmanager
def hold_schema_lock(engine: Engine, server: StoreServer) -> Iterator[Connection]:
    """Yield a connection of which there is one at a time for all workers on all hosts."""
    name = f"guestagent {server.database}"[:64]
    with translate_sql_errors(str(server)), engine.connect() as connection:
        has_lock = connection.execute(
            text("SELECT GET_LOCK(:name, :s)"), {"name": name, "s": SCHEMA_TIMEOUT_S}
        )
        if has_lock.scalar_one() != 1:
            raise StorageError(
                f"{server}: another worker has been making the tables for {SCHEMA_TIMEOUT_S} s"
            )
        try:
            yield connection
            connection.commit()
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


def _build_tls_context(tls: StoreTls) -> ssl.SSLContext:
    """Build a context that verifies the server's certificate and name."""
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise StorageError(f"cannot read the CA certificates in {tls.ca}: {error}") from error
    # The certificates that the servers generate for themselves lack what Python 3.13 is strict about.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.certificate is not None:
        try:
            # The empty password makes an encrypted key fail; without it, OpenSSL would prompt on a terminal.
            context.load_cert_chain(tls.certificate, tls.key, password=lambda: b"")
        except (OSError, ValueError) as error:
            raise StorageError(f"cannot read {tls.certificate} and {tls.key}: {error}") from error
    return context
