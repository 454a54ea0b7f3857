"""Reading which tables a server has, with their columns and keys."""

from __future__ import annotations

from collections import defaultdict

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.sql_statement import Statement, sql
from guestagent.verification.table import Column, IndexPart, Table, choose_key

OPERATION = "reading the definitions of the tables"
DEFAULT_ROW_SIZE, MIN_ROW_SIZE = 100, 20
"""Bytes: of a table without statistics, and of any table. InnoDB has 18 bytes of its own in each row."""

SELECT_TABLES = (
    "SELECT table_name AS name, engine AS engine, table_rows AS row_estimate, data_length AS size, table_type AS type"
    " FROM information_schema.tables WHERE table_schema = {}"
    " AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name"
)
VERSIONED_TYPE = "SYSTEM VERSIONED"
SELECT_COLUMNS = (
    "SELECT table_name AS table_name, column_name AS name, LOWER(data_type) AS data_type,"
    " character_set_name AS charset, is_nullable AS is_nullable FROM information_schema.columns"
    " WHERE table_schema = {}"
)
SELECT_INDEX_PARTS = (
    "SELECT table_name AS table_name, index_name AS name, column_name AS column_name, sub_part AS sub_part"
    " FROM information_schema.statistics"
    " WHERE table_schema = {} AND non_unique = 0 ORDER BY table_name, index_name, seq_in_index"
)


def read_tables(connection: Connection, schema: str) -> tuple[Table, ...]:
    """Read the base tables of a schema, with all of their columns: generated and invisible ones, too."""
    columns = _read_columns(
        connection, sql(f"{SELECT_COLUMNS} ORDER BY table_name, ordinal_position", schema)
    )
    parts = defaultdict[str, list[IndexPart]](list)
    for row in connection.fetch_rows(sql(SELECT_INDEX_PARTS, schema), OPERATION):
        # The column of an expression is NULL.
        is_complete = row["sub_part"] is None and row["column_name"] is not None
        part = IndexPart(str(row["name"]), str(row["column_name"]), is_complete)
        parts[str(row["table_name"])].append(part)
    return tuple(
        _build_table(schema, row, columns[str(row["name"])], parts[str(row["name"])])
        for row in connection.fetch_rows(sql(SELECT_TABLES, schema), OPERATION)
    )


def read_columns(connection: Connection, table: Table) -> tuple[Column, ...]:
    """Read the columns that a table has now, () if it has been dropped."""
    # A server finds one table by its name without opening the others.
    text = f"{SELECT_COLUMNS} AND table_name = {{}} ORDER BY ordinal_position"
    return tuple(_read_columns(connection, sql(text, table.schema, table.name))[table.name])


def _read_columns(connection: Connection, statement: Statement) -> dict[str, list[Column]]:
    """Read columns, by the names of their tables."""
    columns = defaultdict[str, list[Column]](list)
    for row in connection.fetch_rows(statement, OPERATION):
        columns[str(row["table_name"])].append(
            Column(str(row["name"]), str(row["data_type"]), row["charset"], row["is_nullable"] == "YES")
        )
    return columns


def _build_table(schema: str, row: Row, columns: list[Column], parts: list[IndexPart]) -> Table:
    row_estimate, size = int(row["row_estimate"] or 0), int(row["size"] or 0)
    return Table(
        schema,
        str(row["name"]),
        str(row["engine"]),
        tuple(columns),
        choose_key(columns, parts),
        # The statistics of a table that has just been filled are far too small.
        max(MIN_ROW_SIZE + len(columns), size // row_estimate if row_estimate else DEFAULT_ROW_SIZE),
        row_estimate,
        row["type"] == VERSIONED_TYPE,
    )
