"""FLOAT columns whose values a dump would round: the servers write them with six digits, and store more."""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.database.connection import Connection
from guestagent.database.sql_statement import sql
from guestagent.errors import SeedError
from guestagent.seeding.dump_accounts import quote_name
from guestagent.seeding.dump_accounts_reader import build_text_statement

OPERATION = "looking for rounded values"
CONVERT_ADVICE = (
    "convert the columns to DOUBLE at the source (ALTER TABLE .. MODIFY .. DOUBLE), or choose another method"
)
SELECT_COLUMNS = sql(
    "SELECT c.table_schema AS place, c.table_name AS name, c.column_name AS field FROM information_schema.columns c"
    " JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name"
    " WHERE c.data_type = 'float' AND t.table_type <> 'VIEW' AND c.extra NOT LIKE '%GENERATED%'"
    " AND c.table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1, 2, 3"
)


def check_float_columns(connection: Connection) -> None:
    """Raise SeedError if a dump would change values. It reads through the tables that have FLOAT columns."""
    for table, columns in _read_columns(connection).items():
        if connection.fetch_rows(build_text_statement(build_rounding_query(table, columns)), OPERATION):
            raise SeedError(
                f"{table} has values of type FLOAT with more than six digits, which a dump would round "
                f"({', '.join(columns)})",
                CONVERT_ADVICE,
            )


def build_rounding_query(table: str, columns: tuple[str, ...]) -> str:
    """Build the query for a row whose values are not those that their texts mean."""
    conditions = (f"NOT ({column} <=> CAST(CAST({column} AS CHAR) AS FLOAT))" for column in columns)
    return " ".join(("SELECT 1 AS found FROM", table, "WHERE", " OR ".join(conditions), "LIMIT 1"))


def _read_columns(connection: Connection) -> Mapping[str, tuple[str, ...]]:
    columns: dict[str, tuple[str, ...]] = {}
    for row in connection.fetch_rows(SELECT_COLUMNS, OPERATION):
        table = f"{quote_name(str(row['place']))}.{quote_name(str(row['name']))}"
        columns[table] = (*columns.get(table, ()), quote_name(str(row["field"])))
    return columns
