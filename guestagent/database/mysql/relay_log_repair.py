"""Starting a MySQL channel whose relay logs are damaged or lost."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.mysql.replication_status import read_channel
from guestagent.database.mysql.statements import build_statements
from guestagent.database.sql_statement import sql
from guestagent.database.step_execution import run_statements
from guestagent.database.steps import StartChannel
from guestagent.errors import DatabaseRefused

RELAY_LOG_DAMAGED = 13121
RELAY_LOG_LOST = 1872

STOP_CHANNEL = sql("STOP REPLICA")
RESET_RELAY_LOGS = sql("RESET REPLICA")


def start_channel(connection: Connection, step: StartChannel) -> None:
    """Start the channel. Reset relay logs that are damaged or lost: START REPLICA does not repair them.

    The replica fetches their content again, by GTID.
    """
    channel = read_channel(connection)
    error = None if channel is None else channel.applier_error
    if error is not None and error.number == RELAY_LOG_DAMAGED:
        run_statements(connection, step, STOP_CHANNEL, RESET_RELAY_LOGS)
    try:
        run_statements(connection, step, *build_statements(step))
    except DatabaseRefused as refused:
        if refused.number != RELAY_LOG_LOST:
            raise
        run_statements(connection, step, RESET_RELAY_LOGS, *build_statements(step))
