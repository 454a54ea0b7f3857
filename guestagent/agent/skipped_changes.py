"""Rejects settings with which a node leaves out, alters or hides changes while its GTIDs advance. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guestagent.agent.model import Condition, DesiredState
from guestagent.agent.name_list import format_names
from guestagent.agent.refusal import Refusal
from guestagent.agent.skip_settings import SHOWN_SETTINGS_LIMIT, find_skip_settings
from guestagent.database.harmful_settings import ReplicationSetting, ReplicationSide
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Role

CONDITION_NAME = "skipped changes"
SOURCE_REQUIREMENT = "a server that logs every change"
COMPARE_ADVICE = "rows may be missing by now: compare the data, or start this node from a clean image"
COMPARE_REPLICAS_ADVICE = "sessions keep the old value until they end; compare the replicas' data"
RELOAD_ADVICE = "replicas cannot get what it did not log: write it again, or compare the data"


def find_skip_refusal(
    desired: DesiredState, server: ServerState, source: SourceState | None
) -> Refusal | None:
    """Return the refusal to change a node with such settings; None if it has none.

    A source's filters for a channel that it does not have do not matter. A replica must log everything, too: otherwise
    no comparison would show what was written there.
    """
    settings = find_unmanaged_settings(server)
    if desired.role is Role.SOURCE:
        source_settings = [setting for setting in settings if setting.side is ReplicationSide.SOURCE]
        return _build_refusal(SOURCE_REQUIREMENT, source_settings, "on this source", RELOAD_ADVICE)
    requirement = "every change of the source logged there, and applied and logged here"
    return _build_refusal(requirement, settings, "on this replica", COMPARE_ADVICE) or _build_refusal(
        requirement, _find_source_settings(source), "on the source", RELOAD_ADVICE
    )


def find_unmanaged_settings(server: ServerState) -> tuple[ReplicationSetting, ...]:
    """Return the settings in force that the agent does not correct."""
    return tuple(setting for setting in find_skip_settings(server) if not setting.is_managed)


def describe_settings(settings: Sequence[ReplicationSetting]) -> str:
    """Return the names of the settings, or of the first few."""
    return format_names(settings, SHOWN_SETTINGS_LIMIT)


def advise_undo(settings: Sequence[ReplicationSetting]) -> str:
    """Return the advice to undo the settings, with the statement for each."""
    shown_settings = settings[:SHOWN_SETTINGS_LIMIT]
    statements = [setting.undo_statement or f"restart it for {setting.name}" for setting in settings]
    needs_stopped_channel = any(
        setting.side is ReplicationSide.REPLICA and setting.undo_statement for setting in shown_settings
    )
    prefix = "with the channel stopped, " if needs_stopped_channel else ""
    return f"take them back, in the option file too ({prefix}{format_names(statements, SHOWN_SETTINGS_LIMIT, '; ')})"


def judge_managed_settings(server: ServerState) -> Iterator[Condition]:
    """Yield a source's settings that the agent's option file would have corrected: final, if it has no such file."""
    for setting in server.harmful_settings:
        if setting.is_managed and setting.side is ReplicationSide.SOURCE:
            refusal = _build_refusal(SOURCE_REQUIREMENT, [setting], "on this source", COMPARE_REPLICAS_ADVICE)
            assert refusal is not None
            yield Condition.from_refusal(refusal)


def _find_source_settings(source: SourceState | None) -> list[ReplicationSetting]:
    """Return the settings with which the source does not log changes. Those of its own channel do not matter here."""
    settings = () if source is None else source.harmful_settings
    return [each for each in settings if each.side is ReplicationSide.SOURCE and not each.is_managed]


def _build_refusal(
    requirement: str, settings: Sequence[ReplicationSetting], location: str, advice: str
) -> Refusal | None:
    if not settings:
        return None
    actual = f"{describe_settings(settings)} {location}"
    return Refusal(CONDITION_NAME, requirement, actual, f"{advise_undo(settings)}; {advice}")
