"""A server that answers and yet does nothing: its sessions wait, and one more look would wait with them."""

from __future__ import annotations

from guestagent.database.connection import Connection, NoAnswer
from guestagent.database.sql import Statement

LOOKING = "looking at the server"
CATCHING_UP = "waiting for the channel"
FULL = "the disk is full: the server waits for someone to free space"
EARLIER = "an earlier look still waits for its answer"


def unless_held_up(connection: Connection, waiting: Statement, no_space: str) -> None:
    """NoAnswer where `waiting` finds a session that waits; `no_space` is the state of those that wait for space.

    Looks that hang do not end with us: there would be more and more, until there are no sessions left.
    """
    states = {row["state"] for row in connection.rows(waiting, LOOKING)}
    if states:
        raise NoAnswer(LOOKING, 2013, FULL if no_space in states else EARLIER)
