"""Stores of orders on real database servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote

from sqlalchemy import Connection

from guestagent.resources.store.server_database import ServerTime
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.store.store_location import StoreServer, read_store_location
from guestagent.resources.store.store_opening import open_server_store
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer

PASSWORD = "h:i@d/d?e#n%20'\"&"
NUMBERS = count(1)


@dataclass(frozen=True)
class AdvancedServerTime(ServerTime):
    """The clock of a real server, and what a test has let pass."""

    clock: ManualClock
    start: float

    def read_now(self, connection: Connection) -> float:
        return super().read_now(connection) + self.clock.now() - self.start


@dataclass(frozen=True)
class StoreDatabase:
    """A new, empty database for a store, and a clock that a test sets forward."""

    server: DatabaseServer
    name: str
    clock: ManualClock
    time: AdvancedServerTime

    def build_url(self, password: str = PASSWORD, host: str = "127.0.0.1", options: str = "") -> Secret:
        """Return the URL of the store."""
        credentials = f"keeper:{quote(password, safe='')}"
        return Secret(f"mysql+pymysql://{credentials}@{host}:{self.server.port}/{self.name}{options}")

    def empty(self) -> StoreDatabase:
        """Remove all rows but those about the store itself, if there are tables yet."""
        rows = self.server.execute(f"SHOW TABLES FROM {self.name}")
        tables = {str(name) for row in rows for name in row.values()} - {"meta"}
        self.server.execute("DO 0", *(f"DELETE FROM {self.name}.{table}" for table in tables))  # noqa: S608
        return self

    @contextmanager
    def open(self, url: Secret | None = None) -> Iterator[SqlStore]:
        """Open the store, as a process does, and close it at the end."""
        location = read_store_location(self.build_url() if url is None else url)
        assert isinstance(location, StoreServer)
        store = open_server_store(location, self.clock, self.time)
        try:
            yield store
        finally:
            store.close()


def create_store_account(server: DatabaseServer) -> None:
    """Create the account of all stores."""
    password = PASSWORD.replace("'", "''")
    server.execute(
        f"CREATE USER keeper@'%' IDENTIFIED BY '{password}'", "GRANT ALL ON `store_%`.* TO keeper@'%'"
    )


def create_store_database(server: DatabaseServer) -> StoreDatabase:
    """Create a database that no test has had."""
    name, clock = f"store_{next(NUMBERS)}", ManualClock()
    server.execute(f"CREATE DATABASE {name}")
    return StoreDatabase(server, name, clock, AdvancedServerTime(clock, clock.now()))
