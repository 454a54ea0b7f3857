"""Steps that are planned for a server."""

from __future__ import annotations

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.database.steps import PointChannel, Step
from tests.support.agent_states import DIALECT, PASSWORD, plan_allowed_steps

POINT = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD)


def plan_steps(
    desired: DesiredState, observed: ObservedState, memory: JournalState | None = None
) -> list[Step]:
    return list(plan_allowed_steps(desired, observed, memory or JournalState(), DIALECT))
