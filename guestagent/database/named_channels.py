"""Channels with names, which the agent does not support, and the settings with which they may leave out changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from guestagent.database.channel_options import FixedOption, find_unexpected_options
from guestagent.database.harmful_settings import (
    ReplicationSide,
    find_channel_filters,
    find_variable_settings,
    format_setting,
)
from guestagent.errors import DatabaseRefused

Row = Mapping[str, str | None]


def reject_named_channels(
    operation: str, rows: Iterable[Row], name_column: str, options: Iterable[FixedOption]
) -> None:
    """Raise DatabaseRefused if the status of all channels has one with a name. The error has their settings."""
    rows, options = [*rows], [*options]
    names = [str(row[name_column]) for row in rows if row[name_column]]
    if names:
        text = f"it has named channels ({', '.join(names)}): only one channel, without a name, is supported"
        settings = tuple(each for row in rows for each in _find_skip_settings(row, name_column, options))
        raise DatabaseRefused(operation, 0, text, skip_settings=settings)


def complete_skip_settings(error: DatabaseRefused, variables: Row, *, has_history: bool) -> DatabaseRefused:
    """Add the server's own settings to an error about named channels. Other errors are returned as they are.

    Without a history, no channel has left out anything yet.
    """
    if error.skip_settings is None:
        return error
    server_settings = (
        str(setting)
        for setting in find_variable_settings(variables)
        if setting.side is ReplicationSide.REPLICA and not setting.is_pending
    )
    settings = (*error.skip_settings, *server_settings) if has_history else ()
    return DatabaseRefused(error.doing, error.number, error.text, skip_settings=settings)


def _find_skip_settings(row: Row, name_column: str, options: Iterable[FixedOption]) -> Iterator[str]:
    location = f" of channel {row[name_column]}" if row[name_column] else ""
    for setting in find_channel_filters(row, ""):
        yield format_setting(f"{setting.name}{location}", setting.value)
    for option in find_unexpected_options(options, row):
        if option.can_skip_changes:
            yield format_setting(f"{option.name}{location}", option.value)
