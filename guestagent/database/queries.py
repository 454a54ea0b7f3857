"""Queries that work the same in both families."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from guestagent.database.connection import Connection
from guestagent.database.hung_server import OBSERVE_OPERATION
from guestagent.database.sql_statement import sql

SELECT_SCHEMAS = sql(
    "SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name NOT IN"
    " ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY name"
)


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
