"""Work of a cloud that takes too long: a person is called. A creation that nobody helps fails an hour later. Pure."""

from __future__ import annotations

from guestagent.controller.heat_api import Stack
from guestagent.resources.natives.ending import ATTENTION_LIMIT_S, CREATIONS
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.stack_steps import FailStackOperation, NeedHelp
from guestagent.resources.orchestrator.stack_view import StackView


def call_for_help(view: StackView, message: str, overdue_since: float) -> NeedHelp | FailStackOperation:
    """Say what a person has to do. A creation fails with `deadline` when it has needed that for an hour.

    What it has made stays: the next order of the cluster goes on, or a deletion removes it.
    """
    if isinstance(view.order, CREATIONS) and view.now >= overdue_since + ATTENTION_LIMIT_S:
        return FailStackOperation(RefusalCode.DEADLINE, message)
    return NeedHelp(message)


def describe_lost_stack(stack: Stack) -> str:
    """Return what to do about a stack that is in progress beyond its timeout."""
    return (
        f"stack {stack.name} is {stack.status} for so long that Heat has lost it: look at Heat's engines, and at "
        f"`openstack stack check {stack.name}`. When the stack is at rest, the operation goes on"
    )
