"""Settings with which a replica may have left out changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.name_list import format_names
from guestagent.database.harmful_settings import ReplicationSetting, ReplicationSide, merge_settings
from guestagent.database.state import ServerState

SHOWN_SETTINGS_LIMIT = 3


def find_skip_settings(server: ServerState) -> tuple[ReplicationSetting, ...]:
    """Return all settings with which the server and its channel leave out, alter or hide changes."""
    filters = () if server.channel is None else server.channel.filters
    return merge_settings(server.harmful_settings, filters, _find_channel_options(server))


def describe_skip_settings(server: ServerState) -> str:
    """Return the names of the settings in force while the channel applied something; "" if there are none.

    A counter of changes that the next start would skip has skipped nothing yet.
    """
    if server.channel is None or server.history.is_empty:
        return ""
    effective_settings = [
        setting
        for setting in find_skip_settings(server)
        if setting.side is ReplicationSide.REPLICA and not setting.is_pending
    ]
    return format_names(effective_settings, SHOWN_SETTINGS_LIMIT)


def _find_channel_options(server: ServerState) -> Iterator[ReplicationSetting]:
    """Yield the options of the channel that may have left out changes: none before anything was applied."""
    if server.channel is None or server.history.is_empty:
        return
    for option in server.channel.unexpected_options:
        if option.can_skip_changes:
            undo_statement = f"CHANGE MASTER TO {option.name} = ()"
            yield ReplicationSetting(option.name, option.value, ReplicationSide.REPLICA, undo_statement)
