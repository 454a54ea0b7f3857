"""Reading the definitions of all objects of some schemas from one server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.sql_statement import sql
from guestagent.errors import DatabaseRefused
from guestagent.verification.definition import DefinedObject, normalize_table
from guestagent.verification.identifiers import build_fixed_statement, quote_name

OPERATION = "reading definitions"
GONE_ERRORS = frozenset({1049, 1146, 1305, 1360, 1539, 4091})
"""The object was dropped since it was listed: no such schema, table, routine, trigger, event, sequence."""

TABLE_KINDS = {
    "BASE TABLE": "table",
    "SYSTEM VERSIONED": "table",
    "VIEW": "view",
    "SYSTEM VIEW": "view",
    "SEQUENCE": "sequence",
}
ROUTINE_KINDS = frozenset({"procedure", "function", "package", "package body"})
SHOW_KINDS = {"sequence": "TABLE"}
SELECT_SCHEMA = (
    "SELECT default_character_set_name AS a, default_collation_name AS b"
    " FROM information_schema.schemata WHERE schema_name = {}"
)
SELECT_TABLES = (
    "SELECT table_name AS name, table_type AS type FROM information_schema.tables WHERE table_schema = {}"
)
SELECT_ROUTINES = (
    "SELECT routine_name AS name, routine_type AS type FROM information_schema.routines"
    " WHERE routine_schema = {}"
)
SELECT_TRIGGERS = (
    "SELECT trigger_name AS name, event_object_table AS table_name, action_timing, event_manipulation, action_order,"
    " action_statement, sql_mode, definer, character_set_client, collation_connection, database_collation"
    " FROM information_schema.triggers WHERE trigger_schema = {}"
)
# Without its status: on a replica every event is disabled.
SELECT_EVENTS = (
    "SELECT event_name AS name, event_definition, event_type, execute_at, interval_value, interval_field, starts,"
    " ends, on_completion, time_zone, sql_mode, definer, event_comment, character_set_client, collation_connection,"
    " database_collation FROM information_schema.events WHERE event_schema = {}"
)
# MariaDB's table can be read without the privilege EVENT. The body has the character set of whoever created it.
SELECT_MARIADB_EVENTS = (
    "SELECT name AS name, body_utf8 AS event_definition, SHA2(body, 256) AS body_digest, execute_at, interval_value,"
    " interval_field, starts, ends, on_completion, time_zone, sql_mode, definer, comment AS event_comment,"
    " character_set_client, collation_connection, db_collation AS database_collation"
    " FROM mysql.event WHERE db = {}"
)
# MySQL has libraries since 9.2.
SELECT_LIBRARIES = (
    "SELECT library_name AS name, library_definition, language FROM information_schema.libraries"
    " WHERE library_schema = {}"
)
HAS_LIBRARIES = sql(
    "SELECT 1 AS found FROM information_schema.tables"
    " WHERE table_schema = 'information_schema' AND table_name = 'LIBRARIES'"
)
SELECT_PRIVILEGES = sql(
    "SELECT privilege_type AS name FROM information_schema.user_privileges WHERE grantee = CONCAT('''',"
    " SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')"
)
NEEDED_PRIVILEGES = {
    "MariaDB": {"trigger": "TRIGGER"},
    "MySQL": {"trigger": "TRIGGER", "event": "EVENT"},
}
"""What an account needs to see objects of these kinds, beside SELECT and SHOW VIEW, by family."""


def read_hidden_kinds(connection: Connection, family: str) -> frozenset[str]:
    """Return the kinds of objects that this account cannot see: a server lists those without an error as none."""
    rows = connection.fetch_rows(SELECT_PRIVILEGES, "reading the account's privileges")
    privileges = {str(row["name"]).upper() for row in rows}
    needed = NEEDED_PRIVILEGES[family]
    return frozenset(kind for kind, privilege in needed.items() if privilege not in privileges)


def read_definitions(
    connection: Connection, schemas: Iterable[str], family: str, kinds: frozenset[str]
) -> dict[DefinedObject, str]:
    """Read the definitions of the objects of these kinds."""
    definitions: dict[DefinedObject, str] = {}
    has_libraries = family == "MySQL" and bool(connection.fetch_rows(HAS_LIBRARIES, OPERATION))
    for schema in schemas:
        rows = connection.fetch_rows(sql(SELECT_SCHEMA, schema), OPERATION)
        if not rows:
            continue
        if "schema" in kinds:
            definitions[DefinedObject(schema, "schema")] = _format_row(rows[0])
        if kinds & set(TABLE_KINDS.values()):
            definitions.update(_read_tables(connection, schema))
        if kinds & ROUTINE_KINDS:
            definitions.update(_read_routines(connection, schema))
        if "trigger" in kinds:
            definitions.update(_read_rows(connection, schema, "trigger", SELECT_TRIGGERS))
        if "event" in kinds:
            select_events = SELECT_MARIADB_EVENTS if family == "MariaDB" else SELECT_EVENTS
            definitions.update(_read_rows(connection, schema, "event", select_events))
        if has_libraries and "library" in kinds:
            definitions.update(_read_rows(connection, schema, "library", SELECT_LIBRARIES))
    return {each: text for each, text in definitions.items() if each.kind in kinds}


def _read_tables(connection: Connection, schema: str) -> Iterator[tuple[DefinedObject, str]]:
    for row in connection.fetch_rows(sql(SELECT_TABLES, schema), OPERATION):
        kind, name = TABLE_KINDS.get(str(row["type"]), "table"), str(row["name"])
        text = _show_definition(connection, SHOW_KINDS.get(kind, kind.upper()), schema, name)
        if text is not None:
            yield DefinedObject(schema, kind, name), normalize_table(text)


def _read_routines(connection: Connection, schema: str) -> Iterator[tuple[DefinedObject, str]]:
    for row in connection.fetch_rows(sql(SELECT_ROUTINES, schema), OPERATION):
        kind, name = str(row["type"]), str(row["name"])
        text = _show_definition(connection, kind, schema, name)
        if text is not None:
            yield DefinedObject(schema, kind.lower(), name), text


def _read_rows(
    connection: Connection, schema: str, kind: str, query: str
) -> Iterator[tuple[DefinedObject, str]]:
    """Read objects that are rows of a table of the server. The definition of each is its row."""
    for row in connection.fetch_rows(sql(query, schema), OPERATION):
        yield (
            DefinedObject(schema, kind, str(row["name"]), str(row.get("table_name") or "")),
            _format_row(row),
        )


def _show_definition(connection: Connection, kind: str, schema: str, name: str) -> str | None:
    """Return the server's own text of a definition; None if the object is gone, or the error if it is broken."""
    statement = build_fixed_statement(f"SHOW CREATE {kind} {quote_name(schema, name)}")
    try:
        rows = connection.fetch_rows(statement, f"{OPERATION} of {schema}.{name}")
    except DatabaseRefused as error:
        return None if error.number in GONE_ERRORS else f"error {error.number}"
    return "\n".join(f"{value}" for value in rows[0].values()) if rows else None


def _format_row(row: Row) -> str:
    """Format a row of information_schema, one line for each column, so that a difference names the column."""
    return "\n".join(f"{name.lower()}: {value}" for name, value in row.items())
