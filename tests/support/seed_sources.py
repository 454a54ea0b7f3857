"""Real sources that are full of data and have purged their first logs, with the accounts of a replica that joins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from guestagent.database.driver import Row
from guestagent.database.login import connect_socket
from guestagent.database.mysql.clone import read_copy_note
from guestagent.database.mysql.server import MysqlDatabase
from guestagent.database.state import Account
from guestagent.database.steps import SetCopyNote
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedMethod
from guestagent.seeding.dump_dialect import DIALECTS
from tests.support.database_servers import DatabaseServer

PASSWORD = Secret("d%'\"#; \\word 4711")
PASSWORD_END = b"word 4711"
"""A part of the password that no quoting changes."""
QUERY_TIMEOUT_S = 10.0
CHANNEL_USER, CHANNEL_PASSWORD = "channel", "channel word 0815"
SERVER_LOGS = (
    "general-log=1",
    "general-log-file=../general.log",
    "slow-query-log=1",
    "slow-query-log-file=../slow.log",
    "long-query-time=0",
)
"""Options with which `read_all_logs` has all statements."""


def fill_source(source: DatabaseServer, mebibytes: int) -> None:
    """Create two tables: one of this size, and one for a writer."""
    source.execute(
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.filler (id INT PRIMARY KEY, pad LONGBLOB)",
        "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))",
        "CREATE EVENT shop.clearance ON SCHEDULE EVERY 1 HOUR DO DELETE FROM shop.orders",
    )
    source.execute("INSERT INTO shop.filler SELECT 1, REPEAT(RANDOM_BYTES(1024), 1000)")
    for _ in range(1, mebibytes):
        source.execute(
            "INSERT INTO shop.filler SELECT MAX(id) + 1, REPEAT(RANDOM_BYTES(1024), 1000) FROM shop.filler"
        )


def admit_replica(source: DatabaseServer, method: SeedMethod) -> None:
    """Create the accounts of a replica, as the source's agent does, and purge the logs that it would need."""
    source.execute(
        f"CREATE USER {CHANNEL_USER}@'%' IDENTIFIED BY '{CHANNEL_PASSWORD}'",
        f"GRANT REPLICATION SLAVE ON *.* TO {CHANNEL_USER}@'%'",
    )
    if method is SeedMethod.CLONE:
        source.execute("INSTALL PLUGIN clone SONAME 'mysql_clone.so'")
    if method is not SeedMethod.BACKUP:
        create_donor_account(source, method)
    source.execute("FLUSH BINARY LOGS", "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")


def create_donor_account(source: DatabaseServer, method: SeedMethod) -> None:
    """Create the donor account of this method as the source's agent does."""
    password = PASSWORD.reveal().replace("\\", "\\\\").replace("'", "''")
    is_clone = method is SeedMethod.CLONE
    privileges = ("BACKUP_ADMIN",) if is_clone else DIALECTS[source.flavour.family].privileges
    source.execute(
        f"CREATE USER donor@'%' IDENTIFIED BY '{password}' REQUIRE SSL",
        f"GRANT {', '.join(privileges)} ON *.* TO donor@'%'",
    )
    if is_clone:
        write_copy_note(source)


def write_copy_note(source: DatabaseServer) -> None:
    """Note in the donor account what a clone of the source would lack, as its agent does."""
    with closing(connect_socket(source.socket, "root", QUERY_TIMEOUT_S)) as connection:
        note = read_copy_note(connection)
        MysqlDatabase(connection).apply(SetCopyNote(Account("donor", "%"), note))


def build_endpoint(source: DatabaseServer) -> DonorEndpoint:
    """Build what a replica knows of a source that is cloned or dumped."""
    return DonorEndpoint("127.0.0.1", source.port, "donor", PASSWORD, requires_tls=True)


def read_checksums(server: DatabaseServer) -> list[Row]:
    return server.execute("CHECKSUM TABLE shop.filler, shop.orders EXTENDED")


@contextmanager
def run_writer(source: DatabaseServer) -> Iterator[None]:
    """Write small transactions during the block."""
    is_ended = threading.Event()

    def write() -> None:
        while not is_ended.wait(0.01):
            source.execute("INSERT INTO shop.orders (text) VALUES (UUID())")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_ended.set()
        thread.join()
