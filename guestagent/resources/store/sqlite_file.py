"""The file of a store in SQLite: whom it belongs to, where it may lie, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from guestagent.atomic_file import PRIVATE_FILE, PRIVATE_FOLDER, write_file
from guestagent.errors import StorageError
from guestagent.file_lock import hold_lock
from guestagent.resources.store.network_file_system import find_network_file_system
from guestagent.resources.store.sql_database import BUSY_TIMEOUT_S, POOL_SIZE, WRITES, build_sqlite_error


@contextmanager
def hold_store_file(path: Path) -> Iterator[None]:
    """Create the file if it is missing, and check that it is private. One process at a time executes the block."""
    if not path.is_absolute():
        raise StorageError(f"cannot open the store {path}: expected an absolute path")
    _prepare_folder(path.parent)
    with hold_lock(path.with_name(f"{path.name}.lock")):
        # The file is never opened here: closing it again would take SQLite's locks from other threads.
        if not path.is_symlink() and not path.exists():
            write_file(path, b"")
        _check_file(path)
        yield


def create_sqlite_engine(path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Engine:
    """Return the engine of a file. Nothing is opened yet."""
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        # Without an isolation level the driver begins no transaction of its own: `_begin` does.
        connect_args={"timeout": busy_timeout_s, "isolation_level": None, "check_same_thread": False},
        poolclass=QueuePool,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=busy_timeout_s,
        hide_parameters=True,
    )
    event.listen(engine, "connect", lambda connection, _: _set_pragmas(connection, path))
    event.listen(engine, "begin", partial(_begin, OpenedFile(path)))
    return engine


class OpenedFile:
    """The file that an engine has opened first. Its other connections open whatever has this path by then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None

    def require_in_place(self) -> None:
        """Raise StorageError if the file was removed, or another one has taken its place.

        What is written into a removed file is lost, and two files at once would each have a part.
        """
        try:
            status = self._path.stat()
        except OSError as error:
            raise self._build_error(f"is not there any more: {error.strerror}") from error
        identity = status.st_dev, status.st_ino
        if self._identity is None:
            self._identity = identity
        if self._identity != identity:
            raise self._build_error("was replaced while it is in use")

    def _build_error(self, problem: str) -> StorageError:
        return StorageError(
            f"the store {self._path} {problem}; put the former file back, or restart the service with the right one"
        )


def _begin(file: OpenedFile, connection: Connection) -> None:
    """Begin a transaction. One that will write locks the file at once: it could not do so later, after a read."""
    file.require_in_place()
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_pragmas(connection: Any, path: Path) -> None:
    """Have each commit on the disk when it returns, and readers that wait for no writer."""
    try:
        (journal_mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        raise build_sqlite_error(f"the store {path}", str(error)) from error
    if journal_mode != "wal":
        raise StorageError(f"cannot use {path}: its file system has no shared memory for SQLite's WAL")


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise StorageError(f"cannot create {folder} for the store: {error.strerror}") from error
    # The folder may be one of the system's, such as /tmp, whose mode must stay as it is.
    advice = f"keep the store in a folder of its own; if this is one, run: chmod {PRIVATE_FOLDER:o} {folder}"
    _check_private(folder, status, PRIVATE_FOLDER, advice)
    file_system = find_network_file_system(folder)
    if file_system is not None:
        raise StorageError(
            f"cannot keep the store in {folder}: {file_system} is a network file system, on which SQLite's locks fail; "
            f"name a folder on a local disk, or the URL of a MariaDB or MySQL server"
        )


def _check_file(path: Path) -> None:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise StorageError(f"cannot open the store {path}: it is not a regular file")
    _check_private(path, status, PRIVATE_FILE, f"run: chmod {PRIVATE_FILE:o} {path}")


def _check_private(path: Path, status: os.stat_result, mode: int, advice: str) -> None:
    if status.st_uid != os.geteuid():
        raise StorageError(
            f"cannot use {path}: it belongs to user {status.st_uid}, and this is user {os.geteuid()}; use that user"
        )
    actual_mode = stat.S_IMODE(status.st_mode)
    if actual_mode & ~mode:
        raise StorageError(f"cannot use {path}: expected mode {mode:04o}, found {actual_mode:04o}; {advice}")
