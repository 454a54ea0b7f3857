"""Which settings of a replica may have left out changes by now. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.name_list import list_some
from guestagent.database.replication_settings import End, ReplicationSetting, merge_settings
from guestagent.database.state import ServerState

SHOWN_SETTINGS_LIMIT = 3


def find_settings(server: ServerState) -> tuple[ReplicationSetting, ...]:
    """All settings with which the server and its channel leave out, alter or hide changes."""
    filters = () if server.channel is None else server.channel.filters
    return merge_settings(server.skipping, filters, _find_ignored(server))


def describe_evidence(server: ServerState) -> str:
    """Name the settings that were in force while the channel applied something; "" if there are none.

    A count of changes that the next start would skip has skipped nothing yet.
    """
    if server.channel is None or server.history.empty:
        return ""
    harmful = [each for each in find_settings(server) if each.end is End.REPLICA and not each.pending]
    return list_some(harmful, SHOWN_SETTINGS_LIMIT)


def _find_ignored(server: ServerState) -> Iterator[ReplicationSetting]:
    """Options of the channel by which changes may be left out by now. With nothing applied yet, none is."""
    if server.channel is None or server.history.empty:
        return
    for stray in server.channel.strays:
        if stray.skips:
            undo = f"CHANGE MASTER TO {stray.name} = ()"
            yield ReplicationSetting(stray.name, stray.value, End.REPLICA, undo)
