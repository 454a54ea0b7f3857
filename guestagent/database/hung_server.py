"""A server that answers and yet does nothing: its sessions wait, and one more look would wait with them."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.sql_statement import Statement

OBSERVE_OPERATION = "looking at the server"
WAIT_OPERATION = "waiting for the channel"
DISK_FULL = "the disk is full: the server waits for someone to free space"
QUERY_PENDING = "an earlier look still waits for its answer"


def raise_if_hung(connection: Connection, waiting: Statement, no_space: str) -> None:
    """NoAnswer where `waiting` finds a session that waits; `no_space` is the state of those that wait for space.

    Looks that hang do not end with us: there would be more and more, until there are no sessions left.
    """
    states = {row["state"] for row in connection.fetch_rows(waiting, OBSERVE_OPERATION)}
    if states:
        raise NoAnswer(OBSERVE_OPERATION, 2013, DISK_FULL if no_space in states else QUERY_PENDING)
