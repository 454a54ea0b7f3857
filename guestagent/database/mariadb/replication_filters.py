"""Replication filters of MariaDB: a channel's status row shows them."""

from __future__ import annotations

from guestagent.database.driver import Row
from guestagent.database.harmful_settings import ReplicationSetting, find_channel_filters

CLEAR_FILTER = "SET GLOBAL {} = ''"
"""Works only while the channel is stopped."""


def list_channel_filters(row: Row) -> tuple[ReplicationSetting, ...]:
    """List the filters of a channel from its status row."""
    return tuple(find_channel_filters(row, CLEAR_FILTER))
