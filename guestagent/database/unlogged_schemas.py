"""Finding schemas that a server's binary log does not create: a new replica would not receive them.

If a log begins with an empty history and changes a schema before it creates it, or never creates an existing one, then
logging was off for a while, or the log was reset. A log whose beginning was purged is not checked: the server does not
send it to a new replica.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.hung_server import OBSERVE_OPERATION
from guestagent.database.sql_statement import quote_string, sql
from guestagent.errors import DatabaseRefused

BinlogEvent = Row
SHOW_BINLOG_EVENTS = "SHOW BINLOG EVENTS"

EVENTS_LIMIT = 80
"""Events that are read, in all logs together."""
LOGS_LIMIT = 8
"""Every start of a server begins a log, with three or four events if nothing else happens."""
HEAD_LIMIT = 5
"""One of the first events of a log contains the history before it."""

EMPTY_HISTORY_EVENTS = {"Gtid_list": "[]", "Previous_gtids": ""}
"""The event with that history in each family, and its text if the history is empty."""

CREATE_SCHEMA_PATTERN = re.compile(r"\bcreate\b.*\b(database|schema)\b", re.IGNORECASE | re.DOTALL)


def read_unlogged_schemas(
    connection: Connection, schemas: tuple[str, ...], log_status: list[Row]
) -> tuple[str, ...]:
    """Read the server's log, and return the schemas that it does not create; none if that cannot be determined."""
    if not schemas:
        return ()
    try:
        events, is_complete = _read_beginning(connection, str(log_status[0]["File"]))
    except DatabaseRefused:  # the log was purged in the meantime, or is damaged
        return ()
    return tuple(find_unlogged_schemas(schemas, events, is_complete))


def find_unlogged_schemas(
    schemas: Iterable[str], events: list[BinlogEvent], is_complete: bool
) -> Iterator[str]:
    """Yield the schemas that the log does not create. `events` are its first ones; `is_complete`: it has no others."""
    if not _begins_with_history(events):
        return
    for schema in schemas:
        creation = _find_creation(schema, events)
        change = next((number for number, event in enumerate(events) if _changes_schema(event, schema)), None)
        if creation is None and change is None:
            is_logged = not is_complete
        else:
            is_logged = creation is not None and (change is None or creation < change)
        if not is_logged:
            yield schema


def _read_beginning(connection: Connection, current_log: str) -> tuple[list[BinlogEvent], bool]:
    """Return the first events, and whether there are no others. `current_log`: the file to which the server writes."""
    events, name = list[BinlogEvent](), ""
    for _ in range(LOGS_LIMIT):
        limit = EVENTS_LIMIT - len(events)
        source = f" IN {quote_string(name)}" if name else ""  # without a name: the oldest log
        rows = connection.fetch_rows(sql(f"{SHOW_BINLOG_EVENTS}{source} LIMIT {limit}"), OBSERVE_OPERATION)
        events += rows
        if not rows or len(rows) == limit or not _begins_with_history(events):
            return events, False
        name = str(rows[0]["Log_name"])
        if name == current_log:
            return events, True
        name = _increment_log_name(name)
    return events, False


def _begins_with_history(events: list[BinlogEvent]) -> bool:
    return any(
        EMPTY_HISTORY_EVENTS.get(str(event["Event_type"])) == event["Info"] for event in events[:HEAD_LIMIT]
    )


def _find_creation(schema: str, events: list[BinlogEvent]) -> int | None:
    """Return the number of the first statement that may have created the schema: a match too many is no false alarm."""
    name_pattern = re.compile(rf"(?<![\w$]){re.escape(schema)}(?![\w$])", re.IGNORECASE)
    for number, event in enumerate(events):
        text = event["Info"] or ""
        if _is_statement(event) and CREATE_SCHEMA_PATTERN.search(text) and name_pattern.search(text):
            return number
    return None


def _changes_schema(event: BinlogEvent, schema: str) -> bool:
    """Return whether the event is possible only if the schema exists."""
    text = event["Info"] or ""
    if _is_statement(event):
        return text.startswith(f"use `{schema.replace('`', '``')}`;")
    return (
        event["Event_type"] == "Table_map" and re.search(rf"\({re.escape(schema)}\.[^.]*\)", text) is not None
    )


def _is_statement(event: BinlogEvent) -> bool:
    return str(event["Event_type"]).startswith("Query")


def _increment_log_name(name: str) -> str:
    stem, _, number = name.rpartition(".")
    return f"{stem}.{int(number) + 1:0{len(number)}}"
