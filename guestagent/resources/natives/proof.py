"""Whether an instance has proved itself in its present generation, and how long to wait for it. Pure."""

from __future__ import annotations

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.steps import FailOperation, Waiting
from guestagent.resources.operation import RefusalCode
from guestagent.resources.wanted import WantedInstance

PROOF_PAUSE_S = 5.0


def find_missing_proof(
    view: ClusterView, instance: WantedInstance, since: float
) -> Waiting | FailOperation | None:
    """Return None if the instance has proved itself, and otherwise whether to wait for it, from `since` on."""
    signal = view.find_signal(instance)
    if signal is not None and signal.is_success:
        return None
    if signal is not None:
        return FailOperation(
            RefusalCode.REFUSED, f"{instance.name}: {signal.reason or 'FAILURE without a reason'}"
        )
    if view.now > since + instance.deadline_s:
        message = f"{instance.name} did not prove itself within {instance.deadline_s} s"
        return FailOperation(RefusalCode.DEADLINE, message)
    return Waiting(f"{instance.name} has not proved itself yet", PROOF_PAUSE_S)
