"""The scheduled events in a copy of a source's files: there they are enabled, and on a replica they must not run."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.sql_statement import sql

OPERATION = "disabling the source's events"
COUNT_EVENTS = sql(
    "SELECT COUNT(*) AS events, @@GLOBAL.event_scheduler AS scheduler FROM mysql.event"
    " WHERE status = 'ENABLED' AND originator <> @@GLOBAL.server_id"
)
DISABLE_EVENTS = sql(
    "UPDATE mysql.event SET status = 'SLAVESIDE_DISABLED', created = created, modified = modified"
    " WHERE status = 'ENABLED' AND originator <> @@GLOBAL.server_id"
)


def disable_events(connection: Connection) -> bool:
    """Give the events of a MariaDB source the status that replication gives them. Nothing is logged.

    Return whether the server has to be started again, because it runs those that it has loaded already.
    """
    (row,) = connection.fetch_rows(COUNT_EVENTS, OPERATION)
    if row["events"] == "0":
        return False
    connection.fetch_rows(sql("SET SESSION sql_log_bin = 0"), OPERATION)
    connection.fetch_rows(DISABLE_EVENTS, OPERATION)
    return row["scheduler"] == "ON"
