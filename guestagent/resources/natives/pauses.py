"""How long a cluster rests until its next round. An order or a signal ends the rest. Pure."""

from __future__ import annotations

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.round_plan import RoundPlan
from guestagent.resources.natives.steps import NeedAttention, Waiting

BUSY_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
REST_PAUSE_S = 60.0
"""At most."""
AGE_PER_PAUSE = 10.0
"""What has lasted for so long is looked at after a tenth of that."""


def choose_pause(view: ClusterView, plan: RoundPlan, has_refusals: bool) -> float:
    """Return the seconds until the next round."""
    steps = plan.steps
    if any(not isinstance(step, Waiting | NeedAttention) for step in steps):
        return LONGEST_PAUSE_S if has_refusals and len(steps) == 1 else BUSY_PAUSE_S
    waits = [step.pause_s for step in steps if isinstance(step, Waiting)]
    if not waits:
        # All clusters at rest are due at the same moments, so that they share a look at the project.
        return REST_PAUSE_S - view.now % REST_PAUSE_S
    newest = max((record.intended_at for record in view.records.values()), default=view.now)
    return min(max(min(waits), (view.now - newest) / AGE_PER_PAUSE), LONGEST_PAUSE_S)
