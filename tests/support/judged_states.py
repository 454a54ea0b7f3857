"""Conditions of observed states."""

from __future__ import annotations

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import ConditionState, DesiredState, ObservedState, Readiness
from tests.support.agent_states import (
    DIALECT,
    build_account,
    build_channel,
    build_memory,
    build_server,
    judge_state,
)

SOURCE_READY = build_server(
    "0-7-5", server_id=7, read_only=False, has_marker=True, accounts=(build_account(),)
)
REPLICA_READY = build_server("0-7-5", server_id=8, channel=build_channel())


def judge_node(
    desired: DesiredState, observed: ObservedState, memory: JournalState | None = None
) -> Readiness:
    return judge_state(desired, observed, memory or build_memory(), DIALECT)


def find_worst_condition(desired: DesiredState, observed: ObservedState) -> tuple[str, ConditionState, str]:
    condition = judge_node(desired, observed).worst_condition
    return condition.name, condition.state, condition.actual
