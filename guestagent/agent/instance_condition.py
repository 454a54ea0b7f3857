"""The condition that shows that this node began as a copy of another one. Pure."""

from __future__ import annotations

from guestagent.agent.instance_identity import InstanceRecord
from guestagent.agent.model import Condition, ConditionState, Readiness


def add_copy_condition(readiness: Readiness, record: InstanceRecord | None) -> Readiness:
    """Add the condition of a copied disk, which explains where the data come from."""
    if record is None or not record.origin:
        return readiness
    actual = f"the disk is a copy of instance {record.origin}'s, noticed at {record.copied_at}"
    condition = Condition("instance", ConditionState.HELD, "an identity of its own", actual)
    return Readiness.from_conditions(*readiness.conditions, condition)
