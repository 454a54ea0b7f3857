"""A server that answers and yet does nothing: its sessions wait, and a further statement would wait with them.

A statement that waits does not end with its client, and many do not even end with KILL: STOP, START, CHANGE and RESET
of a channel keep their sessions until the SQL thread stops. So a statement is never issued behind another one of its
kind: waiting sessions would accumulate until max_connections.
"""

from __future__ import annotations

from collections.abc import Sequence

from guestagent.database.connection import Connection
from guestagent.database.connection_errors import CR_SERVER_LOST, NoAnswer
from guestagent.database.disk_full import SERVER_WAITS_FOR_SPACE
from guestagent.database.driver import Row
from guestagent.database.pending_statement import (
    STEP_PREFIXES,
    PendingStatement,
    is_channel_statement,
    shorten_statement,
)
from guestagent.database.sql_statement import Statement, sql

OBSERVE_OPERATION = "reading the server's state"
WAIT_OPERATION = "waiting for the channel"
PROCESS_LIST = sql("SHOW PROCESSLIST")
QUERY_PENDING = "an earlier query of the agent still waits for its result"


def build_session_query(process_list: str, is_hung: Statement) -> Statement:
    """Build the query of other sessions: those that match `is_hung`, and the agent's own that execute a step.

    An administrator who logs in as the agent's user is not distinguished: a step would wait for that session, too.
    """
    patterns = " OR ".join(f"info LIKE '{prefix} %'" for prefix in STEP_PREFIXES)
    is_step = f"(user = SUBSTRING_INDEX(USER(), '@', 1) AND ({patterns}))"
    return sql(
        f"SELECT state, time, info, {is_step} AS is_step, {is_hung.text} AS is_hung FROM {process_list}"  # noqa: S608
        f" WHERE id <> CONNECTION_ID() AND ({is_step} OR {is_hung.text})",
        *is_hung.values,
        *is_hung.values,
    )


def read_process_list(connection: Connection) -> list[Row]:
    """Read the agent's sessions that execute a step, from a server without a table of its sessions."""
    rows = connection.fetch_rows(PROCESS_LIST, OBSERVE_OPERATION)
    users = {row["User"] for row in rows if row["Info"] == PROCESS_LIST.text}
    return [
        {"state": row["State"], "time": row["Time"], "info": row["Info"], "is_step": "1"}
        for row in rows
        if row["User"] in users and (row["Info"] or "").startswith(STEP_PREFIXES)
    ]


def raise_if_hung(sessions: Sequence[Row], no_space_state: str) -> None:
    """Raise NoAnswer if sessions wait; those in `no_space_state` wait for disk space."""
    states = {row["state"] for row in sessions if row["is_hung"] == "1"}
    if states:
        reason = SERVER_WAITS_FOR_SPACE if no_space_state in states else QUERY_PENDING
        raise NoAnswer(OBSERVE_OPERATION, CR_SERVER_LOST, reason)


def find_pending_statement(
    connection: Connection, sessions: Sequence[Row], select_applier_states: Statement
) -> PendingStatement | None:
    """Return the oldest statement of a step that another session still executes, None if there is none."""
    steps = [row for row in sessions if row["is_step"] == "1"]
    if not steps:
        return None
    oldest = max(steps, key=lambda row: int(row["time"] or 0))
    name = shorten_statement(oldest["info"] or "")
    states: list[str] = []
    if is_channel_statement(name):
        states = [
            row["state"] or "" for row in connection.fetch_rows(select_applier_states, OBSERVE_OPERATION)
        ]
    return PendingStatement(
        name, oldest["state"] or "", int(oldest["time"] or 0), tuple(dict.fromkeys(states))
    )
