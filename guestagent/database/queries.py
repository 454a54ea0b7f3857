"""The schemas of users in a running server: both families list them alike."""

from __future__ import annotations

from guestagent.database.driver import Connection
from guestagent.database.hung_server import OBSERVE_OPERATION
from guestagent.database.sql_statement import sql

SELECT_SCHEMAS = sql(
    "SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name NOT IN"
    " ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY name"
)


def read_schemas(connection: Connection) -> tuple[str, ...]:
    """`#mysql50#` names are other folders in the data directory, such as a volume's lost+found."""
    names = (str(row["name"]) for row in connection.fetch_rows(SELECT_SCHEMAS, OBSERVE_OPERATION))
    return tuple(name for name in names if not name.startswith("#mysql50#"))
