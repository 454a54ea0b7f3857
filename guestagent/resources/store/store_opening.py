"""Opens the store of orders that a URL names."""

from __future__ import annotations

from contextlib import ExitStack

from guestagent.resources.store.server_database import (
    ServerTime,
    create_server_engine,
    hold_schema_lock,
)
from guestagent.resources.store.sql_database import (
    BUSY_TIMEOUT_S,
    WRITES,
    SqlDatabase,
    StoreTime,
    translate_sql_errors,
)
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.sqlite_file import create_sqlite_engine, hold_store_file
from guestagent.resources.store.store_boot import open_host_time
from guestagent.resources.store.store_clock import MachineClock, StoreClock
from guestagent.resources.store.store_location import StoreFile, StoreServer, read_store_location
from guestagent.resources.store.store_schema import prepare_schema
from guestagent.resources.store.version_peek import VersionPeek
from guestagent.retry import Clock
from guestagent.secret import Secret


def open_sql_store(url: Secret, clock: StoreClock | None = None) -> SqlStore:
    """Open the store, and make it if it does not exist. Raise InvalidInput for a bad URL, StorageError for the rest."""
    location = read_store_location(url)
    worker_clock = MachineClock() if clock is None else clock
    if isinstance(location, StoreFile):
        return open_file_store(location, worker_clock)
    return open_server_store(location, worker_clock)


def open_file_store(
    location: StoreFile, clock: StoreClock, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> SqlStore:
    """Open a store in a file of SQLite."""
    place = f"the store {location.path}"
    engine = create_sqlite_engine(location.path, busy_timeout_s)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        with (
            hold_store_file(location.path),
            translate_sql_errors(place),
            engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            store_id = prepare_schema(connection, place)
            host_time = open_host_time(connection, clock)
        stack.pop_all()
    database = SqlDatabase(engine, place, host_time, has_one_writer=True)
    return SqlStore(database, store_id, clock, VersionPeek(location.path))


def open_server_store(location: StoreServer, clock: Clock, time: StoreTime | None = None) -> SqlStore:
    """Open a store on a MariaDB or MySQL server."""
    engine = create_server_engine(location)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        with hold_schema_lock(engine, location) as connection:
            store_id = prepare_schema(connection, str(location))
        stack.pop_all()
    database = SqlDatabase(engine, str(location), ServerTime() if time is None else time)
    return SqlStore(database, store_id, clock)
