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
SELECT_PRIVILEGES = sql(
    "SELECT privilege_type AS name FROM information_schema.user_privileges WHERE grantee = CONCAT('''',"
    " SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')"
)
NEEDED_PRIVILEGES = {"trigger": "TRIGGER", "event": "EVENT"}


def read_hidden_kinds(connection: Connection) -> frozenset[str]:
    """Return the kinds of objects that this account cannot see: a server lists those without an error as none."""
    rows = connection.fetch_rows(SELECT_PRIVILEGES, "reading the account's privileges")
    privileges = {str(row["name"]).upper() for row in rows}
    return frozenset(kind for kind, privilege in NEEDED_PRIVILEGES.items() if privilege not in privileges)


def read_definitions(
    connection: Connection, schemas: Iterable[str], hidden_kinds: frozenset[str]
) -> dict[DefinedObject, str]:
    """Read the definitions of the schemas and their objects, without the kinds that the other account cannot see."""
    definitions: dict[DefinedObject, str] = {}
    for schema in schemas:
        rows = connection.fetch_rows(sql(SELECT_SCHEMA, schema), OPERATION)
        if rows:
            definitions[DefinedObject(schema, "schema")] = _format_row(rows[0])
            definitions.update(_read_objects(connection, schema, hidden_kinds))
    return definitions


def _read_objects(
    connection: Connection, schema: str, hidden_kinds: frozenset[str]
) -> Iterator[tuple[DefinedObject, str]]:
    for row in connection.fetch_rows(sql(SELECT_TABLES, schema), OPERATION):
        kind, name = TABLE_KINDS.get(str(row["type"]), "table"), str(row["name"])
        text = _show_definition(connection, SHOW_KINDS.get(kind, kind.upper()), schema, name)
        if text is not None:
            yield DefinedObject(schema, kind, name), normalize_table(text)
    for row in connection.fetch_rows(sql(SELECT_ROUTINES, schema), OPERATION):
        kind, name = str(row["type"]), str(row["name"])
        text = _show_definition(connection, kind, schema, name)
        if text is not None:
            yield DefinedObject(schema, kind.lower(), name), text
    if "trigger" not in hidden_kinds:
        for row in connection.fetch_rows(sql(SELECT_TRIGGERS, schema), OPERATION):
            yield (
                DefinedObject(schema, "trigger", str(row["name"]), str(row["table_name"])),
                _format_row(row),
            )
    if "event" not in hidden_kinds:
        for row in connection.fetch_rows(sql(SELECT_EVENTS, schema), OPERATION):
            yield DefinedObject(schema, "event", str(row["name"])), _format_row(row)


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
