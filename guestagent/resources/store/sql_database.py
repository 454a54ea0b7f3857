"""Transactions on the database of a store, and its errors as ours."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from guestagent.errors import StorageError
from guestagent.resources.store.write_queue import QueuedWrite, WriteGroup, WriteQueue

T = TypeVar("T")
WRITES = "store_writes"
"""The execution option of a connection whose transaction will write."""
COLLISION_ATTEMPT_LIMIT = 10
COLLISION_PAUSE_S = 0.02
BUSY_TIMEOUT_S = 5.0
"""For which a transaction waits for those of others."""
POOL_SIZE = 8
_DUPLICATE, _DEADLOCK, _LOCK_TIMEOUT, _CHANGED_SINCE_READ = 1062, 1213, 1205, 1020
_COLLISIONS = {_DUPLICATE, _DEADLOCK, _CHANGED_SINCE_READ}
"""Numbers of MariaDB and MySQL: two transactions were in each other's way, and this one is undone."""


class StoreTime(Protocol):
    """The seconds of a store, which all its workers share."""

    def read_now(self, connection: Connection) -> float:
        """Return the time that decides about leases."""

    def read_wall_offset(self) -> float:
        """Return what has to be added to a time of the store for the time of day, by its present setting."""


class SqlDatabase:
    """The database of a store. `place` names it in messages, without a password.

    If it `has_one_writer`, the writes of all threads are executed one after the other.
    """

    def __init__(self, engine: Engine, place: str, time: StoreTime, *, has_one_writer: bool = False) -> None:
        self.engine, self.place, self.time = engine, place, time
        self._queue = WriteQueue(self._execute_group, place, BUSY_TIMEOUT_S) if has_one_writer else None

    def read(self, action: Callable[[Connection], T]) -> T:
        """Return the result of `action`, which sees one state of the database and changes nothing."""
        return self._run(action, writes=False)

    def write(self, action: Callable[[Connection], T]) -> T:
        """Execute `action` in a transaction, which is on the disk when this returns. If it raises, nothing is changed.

        The action is executed again if its transaction collides with another.
        """
        if self._queue is None:
            return self._run(action, writes=True)
        with translate_sql_errors(self.place):
            return self._queue.run(QueuedWrite(action))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _run(self, action: Callable[[Connection], T], *, writes: bool) -> T:
        with translate_sql_errors(self.place):
            for attempt in range(1, COLLISION_ATTEMPT_LIMIT):
                try:
                    return self._run_once(action, writes=writes)
                except DBAPIError as error:
                    if get_server_error(error)[0] not in _COLLISIONS:
                        raise
                time.sleep(COLLISION_PAUSE_S * attempt * random.random())  # noqa: S311
            return self._run_once(action, writes=writes)

    def _run_once(self, action: Callable[[Connection], T], *, writes: bool) -> T:
        with self._begin(writes=writes) as connection:
            return action(connection)

    @contextmanager
    def _begin(self, *, writes: bool) -> Iterator[Connection]:
        """Yield a connection with a transaction, which the end of the block commits, and an error rolls back."""
        with (
            self.engine.connect().execution_options(**{WRITES: writes}) as connection,
            connection.begin(),
        ):
            yield connection

    def _execute_group(self, writes: WriteGroup) -> None:
        """Execute writes of several threads, in one transaction unless the database returns an error for one."""
        try:
            if len(writes) > 1:
                outcomes = self._run_once(lambda connection: _execute_each(connection, writes), writes=True)
                for write, outcome in zip(writes, outcomes, strict=True):
                    write.end(*outcome)
                return
        except _DatabaseError:
            pass  # the database may have ended the transaction: each write gets its own
        except Exception as error:  # noqa: BLE001 - raised by those who wait for these writes
            for write in writes:
                write.end(None, error)
            return
        for write in writes:
            try:
                write.end(self._run_once(write.action, writes=True))
            except Exception as error:  # noqa: BLE001 - raised by the one who waits for this write
                write.end(None, error)


class _DatabaseError(Exception):
    """One of several writes in a transaction got an error of the database."""


def _execute_each(connection: Connection, writes: WriteGroup) -> list[tuple[object, Exception | None]]:
    """Return the result or the error of each write. One that raises an error has changed nothing."""
    outcomes: list[tuple[object, Exception | None]] = []
    for write in writes:
        try:
            with connection.begin_nested():
                outcomes.append((write.action(connection), None))
        except DBAPIError as error:
            raise _DatabaseError from error
        except Exception as error:  # noqa: BLE001 - raised by the one who waits for this write
            outcomes.append((None, error))
    return outcomes


@contextmanager
def translate_sql_errors(place: str) -> Iterator[None]:
    """Turn the errors of the database into StorageError. No statement and no value gets into the message."""
    try:
        yield
    except PoolTimeout:
        raise StorageError(f"{place}: all connections are in use; try again later") from None
    except DBAPIError as error:
        raise _translate_database_error(error, place) from None


def get_server_error(error: DBAPIError) -> tuple[int, str]:
    """Return the number and the text of an error of MariaDB or MySQL; 0 and the text for one of SQLite."""
    arguments = error.orig.args if error.orig is not None else ()
    return (arguments[0], str(arguments[1])) if len(arguments) > 1 else (0, str(error.orig))


def _translate_database_error(error: DBAPIError, place: str) -> Exception:
    """Return the error to raise. A violated constraint of SQLite, which no race explains, is a bug and stays one."""
    number, text = get_server_error(error)
    if number:
        advice = "; another transaction has held it for too long" if number == _LOCK_TIMEOUT else ""
        return StorageError(f"{place}: the database returned error {number}: {text}{advice}")
    if isinstance(error, IntegrityError):
        return error
    return build_sqlite_error(place, text)


def build_sqlite_error(place: str, text: str) -> StorageError:
    """Build the error for a text of SQLite's."""
    advice = next((advice for part, advice in _SQLITE_ADVICE.items() if part in text), "")
    return StorageError(f"cannot use {place}: {text}{advice}")


_SQLITE_ADVICE = {
    "locked": f"; another process, a backup perhaps, has held it for {BUSY_TIMEOUT_S:.0f} s",
    "full": "; free some space",
    "disk I/O error": "; free some space, or replace the disk",
    "readonly": "; correct its permissions",
    "unable to open": "; correct its permissions",
    "not a database": "; it belongs to another program: name another file",
    "malformed": "; restore it from a backup, or rebuild it from the cloud",
}
