"""Which settings of a replica may have left out changes by now. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.name_list import format_names
from guestagent.database.replication_settings import ReplicationSetting, ReplicationSide, merge_settings
from guestagent.database.state import ServerState

SHOWN_SETTINGS_LIMIT = 3


def find_skip_settings(server: ServerState) -> tuple[ReplicationSetting, ...]:
    """All settings with which the server and its channel leave out, alter or hide changes."""
    filters = () if server.channel is None else server.channel.filters
    return merge_settings(server.harmful_settings, filters, _find_ignored(server))


def describe_skip_settings(server: ServerState) -> str:
    """Name the settings that were in force while the channel applied something; "" if there are none.

    A count of changes that the next start would skip has skipped nothing yet.
    """
    if server.channel is None or server.history.is_empty:
        return ""
    harmful = [
        each
        for each in find_skip_settings(server)
        if each.side is ReplicationSide.REPLICA and not each.is_pending
    ]
    return format_names(harmful, SHOWN_SETTINGS_LIMIT)


def _find_ignored(server: ServerState) -> Iterator[ReplicationSetting]:
    """Options of the channel by which changes may be left out by now. With nothing applied yet, none is."""
    if server.channel is None or server.history.is_empty:
        return
    for stray in server.channel.unexpected_options:
        if stray.can_skip_changes:
            undo = f"CHANGE MASTER TO {stray.name} = ()"
            yield ReplicationSetting(stray.name, stray.value, ReplicationSide.REPLICA, undo)
