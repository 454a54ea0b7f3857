"""Replication filters of MySQL: those of a channel, and those that a new channel gets."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.harmful_settings import ReplicationSetting, ReplicationSide, find_channel_filters
from guestagent.database.sql_statement import sql

# Filters for new channels; those of an existing channel are in its status.
GLOBAL_FILTERS = sql(
    "SELECT LOWER(filter_name) AS name, filter_rule AS value FROM performance_schema.replication_applier_global_filters"
)
CLEAR_FILTER = "CHANGE REPLICATION FILTER {} = ()"
"""Works only while the applier is stopped."""


def list_channel_filters(row: Row) -> tuple[ReplicationSetting, ...]:
    """List the filters of a channel from its status row."""
    return tuple(find_channel_filters(row, CLEAR_FILTER))


def read_global_filters(connection: Connection, operation: str) -> tuple[ReplicationSetting, ...]:
    """Read the filters for new channels."""
    rows = connection.fetch_rows(GLOBAL_FILTERS, operation)
    return tuple(
        ReplicationSetting(
            str(row["name"]), str(row["value"]), ReplicationSide.REPLICA, CLEAR_FILTER.format(row["name"])
        )
        for row in rows
        if row["value"]  # a removed filter stays in the list
    )
