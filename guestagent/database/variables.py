"""Global variables of a running server: both families speak of them alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from guestagent.database.driver import Connection
from guestagent.database.sql_statement import sql


def read_global_variables(connection: Connection, names: Collection[str]) -> Mapping[str, str]:
    """The variables of these names; those that the server does not know are absent."""
    listed = ", ".join(["{}"] * len(names))
    statement = sql(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({listed})", *sorted(names))
    rows = connection.fetch_rows(statement, "looking at the server's variables")
    return {str(row["Variable_name"]): row["Value"] or "" for row in rows}
