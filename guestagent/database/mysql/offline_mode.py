"""MySQL's offline mode, in which only administrators can log in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.database.connection import Connection
from guestagent.database.sql_statement import sql

OPERATION = "changing the offline mode"
ENTER, ENTER_LATER = sql("SET PERSIST offline_mode = 1"), sql("SET PERSIST_ONLY offline_mode = 1")
FORGET, LEAVE = sql("RESET PERSIST IF EXISTS offline_mode"), sql("SET GLOBAL offline_mode = 0")


def enter_offline_mode(connection: Connection) -> None:
    """Let only administrators log in, also after a restart."""
    connection.fetch_rows(ENTER, OPERATION)


def leave_offline_mode(connection: Connection) -> None:
    """Let everybody log in, also after a restart."""
    for statement in (FORGET, LEAVE):
        connection.fetch_rows(statement, OPERATION)


def forget_offline_mode(connection: Connection) -> None:
    """Let the next start be as the option file says."""
    connection.fetch_rows(FORGET, OPERATION)


@contextmanager
def persist_offline_mode(connection: Connection) -> Iterator[None]:
    """Within the block, have the offline mode in the file of persisted variables. The server itself stays as it is."""
    connection.fetch_rows(ENTER_LATER, OPERATION)
    try:
        yield
    finally:
        forget_offline_mode(connection)
