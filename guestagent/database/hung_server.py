"""A server that answers and yet does nothing: its sessions wait, and a further query would wait with them."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.connection_errors import CR_SERVER_LOST, NoAnswer
from guestagent.database.sql_statement import Statement

OBSERVE_OPERATION = "reading the server's state"
WAIT_OPERATION = "waiting for the channel"
DISK_FULL = "the disk is full: the server waits for someone to free space"
QUERY_PENDING = "an earlier query of the agent still waits for its result"


def raise_if_hung(connection: Connection, select_waiting_sessions: Statement, no_space_state: str) -> None:
    """Raise NoAnswer if sessions wait; those in `no_space_state` wait for disk space.

    A query that hangs does not end with its client: hung queries would accumulate until no session is left.
    """
    rows = connection.fetch_rows(select_waiting_sessions, OBSERVE_OPERATION)
    states = {row["state"] for row in rows}
    if states:
        reason = DISK_FULL if no_space_state in states else QUERY_PENDING
        raise NoAnswer(OBSERVE_OPERATION, CR_SERVER_LOST, reason)
