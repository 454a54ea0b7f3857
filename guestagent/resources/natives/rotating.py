"""The end of a rotation: the source discards the old passwords, and then the previous keys are needed no more. Pure.

The first half is the nodes' own: the source accepts both passwords, and a replica moves when it has tested its new one.
"""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.proof import PROOF_PAUSE_S
from guestagent.resources.natives.steps import EndRotation, FailOperation, ForgetKeys, Steps, Waiting
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import RotatePasswords

ROTATION_PART = "rotation"


def plan_rotation(view: ClusterView) -> Steps:
    """Return the next step of a rotation. No other order shares a generation of the source with it."""
    if not view.wanted.instances or not isinstance(view.order, RotatePasswords | None):
        return ()
    if view.wanted.is_rotating:
        return (EndRotation(),) if all(map(view.is_proved, view.wanted)) else ()
    if view.wanted.previous_keys and not list_late_readers(view):
        return (ForgetKeys(),)
    return ()


def list_late_readers(view: ClusterView) -> list[str]:
    """Return the instances that have not read their document yet at an address which the present key signs."""
    key_id = view.wanted.key_id
    return [each.name for each in view.wanted if (each.name, key_id) not in view.key_contacts]


def list_missing_contacts(view: ClusterView, since: float) -> Iterator[Waiting | FailOperation]:
    """Yield what a rotation still waits for once all nodes have proved themselves."""
    if not view.wanted.previous_keys:
        return
    for name in list_late_readers(view):
        instance = view.wanted.find_instance(name)
        assert instance is not None, "a late reader is an instance"
        text = f"{name} has not read its document at its new address"
        if view.now > since + 2 * instance.proof_deadline_s:
            yield FailOperation(RefusalCode.DEADLINE, f"{text}: its collector still uses the old one")
        else:
            yield Waiting(text, PROOF_PAUSE_S)
