"""Judges settings with which a node leaves out, alters or hides changes while its GTIDs go on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guestagent.agent.model import Condition, DesiredState
from guestagent.agent.name_list import format_names
from guestagent.agent.refusal import Refusal
from guestagent.agent.skip_settings import SHOWN_SETTINGS_LIMIT, find_skip_settings
from guestagent.database.replication_settings import ReplicationSetting, ReplicationSide
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Role

CONDITION_NAME = "skipped changes"
SOURCE_REQUIREMENT = "a server that logs every change"
COMPARE_ADVICE = "rows may be missing by now: compare the data, or start this node from a clean image"
COMPARE_REPLICAS_ADVICE = "sessions keep the old value until they end; compare the replicas' data"
RELOAD_ADVICE = "no replica can get what it did not log: write it again, or compare the data"


def find_skip_refusal(
    desired: DesiredState, server: ServerState, source: SourceState | None
) -> Refusal | None:
    """Refuse to change a node with such settings. None if it has none.

    A source's filters of a channel that it does not have are left alone. What a replica does not log, it hides: no
    comparison would tell what was written there.
    """
    here = find_unmanaged_settings(server)
    if desired.role is Role.SOURCE:
        logged = [each for each in here if each.side is ReplicationSide.SOURCE]
        return _refusal(SOURCE_REQUIREMENT, logged, "on this source", RELOAD_ADVICE)
    wanted = "every change of the source logged there, and applied and logged here"
    return _refusal(wanted, here, "on this replica", COMPARE_ADVICE) or _refusal(
        wanted, _hidden(source), "on the source", RELOAD_ADVICE
    )


def find_unmanaged_settings(server: ServerState) -> tuple[ReplicationSetting, ...]:
    """Return the settings in force that only a person takes back."""
    return tuple(each for each in find_skip_settings(server) if not each.is_managed)


def describe_settings(settings: Sequence[ReplicationSetting]) -> str:
    """Name the settings, the first few of many."""
    return format_names(settings, SHOWN_SETTINGS_LIMIT)


def advise_undo(settings: Sequence[ReplicationSetting]) -> str:
    """Return the advice that takes the settings back, with the statement for each."""
    first = settings[:SHOWN_SETTINGS_LIMIT]
    statements = [setting.undo_statement or f"restart it for {setting.name}" for setting in settings]
    stopped = (
        "with the channel stopped, "
        if any(each.side is ReplicationSide.REPLICA and each.undo_statement for each in first)
        else ""
    )
    return f"take them back, in the option file too ({stopped}{format_names(statements, SHOWN_SETTINGS_LIMIT, '; ')})"


def judge_managed_settings(server: ServerState) -> Iterator[Condition]:
    """A source's settings that an option file of the agent's would have put right: final, for there is none."""
    for setting in server.harmful_settings:
        if setting.is_managed and setting.side is ReplicationSide.SOURCE:
            refusal = _refusal(SOURCE_REQUIREMENT, [setting], "on this source", COMPARE_REPLICAS_ADVICE)
            assert refusal is not None
            yield Condition.from_refusal(refusal)


def _hidden(source: SourceState | None) -> list[ReplicationSetting]:
    """What the source does not log; its own channel is not this node's affair."""
    found = () if source is None else source.harmful_settings
    return [each for each in found if each.side is ReplicationSide.SOURCE and not each.is_managed]


def _refusal(
    wanted: str, settings: Sequence[ReplicationSetting], where: str, afterwards: str
) -> Refusal | None:
    if not settings:
        return None
    seen = f"{describe_settings(settings)} {where}"
    return Refusal(CONDITION_NAME, wanted, seen, f"{advise_undo(settings)}; {afterwards}")
