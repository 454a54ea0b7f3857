"""Whether a server's binary log accounts for its schemas: only what it has from the beginning reaches a new replica.

A log that claims to begin with the server's history and that changes a schema before it creates it (or that never
creates one that is there) was switched off for a while, or was reset. A log whose beginning was purged claims
nothing: a server refuses to send it to a new replica.
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
"""So many events are looked at, in all logs together."""
LOGS_LIMIT = 8
"""Every start of a server begins a log, of three or four events if nothing else happens."""
HEAD_LIMIT = 5
"""Among its first events a log tells what was executed before it."""

EMPTY_HISTORY_EVENTS = {"Gtid_list": "[]", "Previous_gtids": ""}
"""How each family spells that this is nothing."""

CREATE_SCHEMA_PATTERN = re.compile(r"\bcreate\b.*\b(database|schema)\b", re.IGNORECASE | re.DOTALL)


def read_unlogged_schemas(
    connection: Connection, schemas: tuple[str, ...], log_status: list[Row]
) -> tuple[str, ...]:
    """The schemas for which the server's log does not account; none if that cannot be told."""
    if not schemas:
        return ()
    try:
        events, whole = _read_beginning(connection, str(log_status[0]["File"]))
    except DatabaseRefused:  # a log that was purged in between, or is damaged
        return ()
    return tuple(find_unlogged_schemas(schemas, events, whole))


def find_unlogged_schemas(schemas: Iterable[str], events: list[BinlogEvent], whole: bool) -> Iterator[str]:
    """The schemas for which the log does not account. `events`: its first ones; `whole`: there are no others."""
    if not _begins_with_history(events):
        return
    for schema in schemas:
        created = _find_creation(schema, events)
        touched = next((n for n, event in enumerate(events) if _touches(schema, event)), None)
        if created is None and touched is None:
            accounted = not whole
        else:
            accounted = created is not None and (touched is None or created < touched)
        if not accounted:
            yield schema


def _read_beginning(connection: Connection, current: str) -> tuple[list[BinlogEvent], bool]:
    """The first events of the log, and whether they are all. `current`: the file to which the server writes."""
    events, name = list[BinlogEvent](), ""
    for _ in range(LOGS_LIMIT):
        left = EVENTS_LIMIT - len(events)
        log = f" IN {quote_string(name)}" if name else ""  # without a name it is the oldest one
        found = connection.fetch_rows(sql(f"{SHOW_BINLOG_EVENTS}{log} LIMIT {left}"), OBSERVE_OPERATION)
        events += found
        if not found or len(found) == left or not _begins_with_history(events):
            return events, False
        name = str(found[0]["Log_name"])
        if name == current:
            return events, True
        name = _next_log(name)
    return events, False


def _begins_with_history(events: list[BinlogEvent]) -> bool:
    return any(
        EMPTY_HISTORY_EVENTS.get(str(event["Event_type"])) == event["Info"] for event in events[:HEAD_LIMIT]
    )


def _find_creation(schema: str, events: list[BinlogEvent]) -> int | None:
    """The first statement that may have created it: rather one too many than a false alarm."""
    name = re.compile(rf"(?<![\w$]){re.escape(schema)}(?![\w$])", re.IGNORECASE)
    for number, event in enumerate(events):
        text = event["Info"] or ""
        if _is_statement(event) and CREATE_SCHEMA_PATTERN.search(text) and name.search(text):
            return number
    return None


def _touches(schema: str, event: BinlogEvent) -> bool:
    """Whether the event can only be of a schema that was there."""
    text = event["Info"] or ""
    if _is_statement(event):
        return text.startswith(f"use `{schema.replace('`', '``')}`;")
    return (
        event["Event_type"] == "Table_map" and re.search(rf"\({re.escape(schema)}\.[^.]*\)", text) is not None
    )


def _is_statement(event: BinlogEvent) -> bool:
    return str(event["Event_type"]).startswith("Query")


def _next_log(name: str) -> str:
    stem, _, number = name.rpartition(".")
    return f"{stem}.{int(number) + 1:0{len(number)}}"
