"""Judges settings with which a node leaves out, alters or hides changes while its GTIDs go on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guestagent.agent.model import Agreement, Condition, Desired
from guestagent.agent.name_list import list_some
from guestagent.agent.skip_evidence import SHOWN_SETTINGS_LIMIT, find_settings
from guestagent.database.replication_settings import End, ReplicationSetting
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Role

NAME = "skipped changes"
LOGS_ALL = "a server that logs every change"
COMPARE = "rows may be missing by now: compare the data, or start this node from a clean image"
COMPARE_REPLICAS = "sessions keep the old value until they end; compare the replicas' data"
LOAD_AGAIN = "no replica can get what it did not log: write it again, or compare the data"


def refuse_skipping(
    desired: Desired, server: ServerState, source: SourceState | None
) -> tuple[str, str, str, str] | None:
    """Why a node with such settings is not touched: (condition, wanted, seen, what to do). None: it has none.

    A source's filters of a channel that it does not have are left alone. What a replica does not log, it hides: no
    comparison would tell what was written there.
    """
    here = find_unmanaged(server)
    if desired.role is Role.SOURCE:
        logged = [each for each in here if each.end is End.SOURCE]
        return _refusal(LOGS_ALL, logged, "on this source", LOAD_AGAIN)
    wanted = "every change of the source logged there, and applied and logged here"
    return _refusal(wanted, here, "on this replica", COMPARE) or _refusal(
        wanted, _hidden(source), "on the source", LOAD_AGAIN
    )


def find_unmanaged(server: ServerState) -> tuple[ReplicationSetting, ...]:
    """Return the settings in force that only a person takes back."""
    return tuple(each for each in find_settings(server) if not each.managed)


def describe_settings(settings: Sequence[ReplicationSetting]) -> str:
    """Name the settings, the first few of many."""
    return list_some(settings, SHOWN_SETTINGS_LIMIT)


def advise_undoing(settings: Sequence[ReplicationSetting]) -> str:
    """Return the advice that takes the settings back, with the statement for each."""
    first = settings[:SHOWN_SETTINGS_LIMIT]
    statements = [setting.undo or f"restart it for {setting.name}" for setting in settings]
    stopped = "with the channel stopped, " if any(each.end is End.REPLICA and each.undo for each in first) else ""
    return f"take them back, in the option file too ({stopped}{list_some(statements, SHOWN_SETTINGS_LIMIT, '; ')})"


def judge_managed_settings(server: ServerState) -> Iterator[Condition]:
    """A source's settings that an option file of the agent's would have put right: final, for there is none."""
    for setting in server.skipping:
        if setting.managed and setting.end is End.SOURCE:
            refusal = _refusal(LOGS_ALL, [setting], "on this source", COMPARE_REPLICAS)
            assert refusal is not None
            name, wanted, seen, do = refusal
            yield Condition(name, Agreement.FINAL, wanted, seen, do)


def _hidden(source: SourceState | None) -> list[ReplicationSetting]:
    """What the source does not log; its own channel is not this node's affair."""
    found = () if source is None else source.skipping
    return [each for each in found if each.end is End.SOURCE and not each.managed]


def _refusal(
    wanted: str, settings: Sequence[ReplicationSetting], where: str, afterwards: str
) -> tuple[str, str, str, str] | None:
    if not settings:
        return None
    seen = f"{describe_settings(settings)} {where}"
    return (NAME, wanted, seen, f"{advise_undoing(settings)}; {afterwards}")
