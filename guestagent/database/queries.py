"""Queries that work the same in both families."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from guestagent.database.connection import Connection
from guestagent.database.hung_server import OBSERVE_OPERATION
from guestagent.database.sql_statement import sql

# The agent itself reads binary logs, too, but never waits for new events, and never reads for so long.
CHANNEL_SESSIONS = (
    "SELECT user FROM {}.processlist WHERE command LIKE 'Binlog Dump%'"
    " AND (state LIKE '%has sent all binlog%' OR time >= 60)"
)
SELECT_SCHEMAS = sql(
    "SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name NOT IN"
    " ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY name"
)

# Another session holds the lock: FLUSH TABLES WITH READ LOCK, LOCK TABLES, a backup, or an open transaction before DDL.
APPLIER_WAIT = (
    "SELECT state FROM {}.processlist WHERE user = 'system user'"
    " AND (state LIKE 'Waiting for % lock' OR state = 'Waiting for table flush') LIMIT 1"
)


def read_applier_wait(connection: Connection, schema: str) -> str:
    """Read the state of an applier's thread that waits for a lock; "" if none waits.

    The status of a channel shows the state of one thread, and any of the parallel ones may wait.
    """
    rows = connection.fetch_rows(sql(APPLIER_WAIT.format(schema)), OBSERVE_OPERATION)
    return next((str(row["state"]) for row in rows), "")


def read_replica_users(connection: Connection, schema: str) -> frozenset[str]:
    """Read the users as which channels of replicas are connected."""
    rows = connection.fetch_rows(sql(CHANNEL_SESSIONS.format(schema)), OBSERVE_OPERATION)
    return frozenset(str(row["user"]) for row in rows)


def read_schemas(connection: Connection) -> tuple[str, ...]:
    """Read the names of the users' schemas.

    `#mysql50#` names are other folders in the data directory, such as a volume's lost+found.
    """
    names = (str(row["name"]) for row in connection.fetch_rows(SELECT_SCHEMAS, OBSERVE_OPERATION))
    return tuple(name for name in names if not name.startswith("#mysql50#"))


def read_global_variables(connection: Connection, names: Collection[str]) -> Mapping[str, str]:
    """Read the global variables of these names; those that the server does not have are absent."""
    placeholders = ", ".join(["{}"] * len(names))
    statement = sql(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({placeholders})", *sorted(names))
    rows = connection.fetch_rows(statement, "reading the server's variables")
    return {str(row["Variable_name"]): row["Value"] or "" for row in rows}
