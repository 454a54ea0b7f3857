"""Decides whether a stack that exists can get a row. Pure: nothing in the cloud is touched."""

from __future__ import annotations

from guestagent.controller.template import parse
from guestagent.errors import InvalidTemplate
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orchestrator.stack_steps import EndStackOperation, FailStackOperation
from guestagent.resources.orchestrator.stack_view import StackView


def decide_registration(
    view: StackView, template: object, store_id: str
) -> EndStackOperation | FailStackOperation:
    """Take care of a stack whose template is a cluster's, unless it is another manager's."""
    stack, mark = view.stack, view.mark
    if stack is None:
        return _refuse(RefusalCode.NOT_FOUND, f"there is no stack {view.reference.name}")
    if mark is not None and mark.store != store_id:
        return _refuse(
            RefusalCode.TWO_OWNERS,
            f"stack {stack.name} belongs to the resource manager with store {mark.store}: unregister it there, and let "
            f"`guestagent cluster repair {stack.name} NODE` remove the mark",
        )
    if stack.status.startswith("DELETE_"):
        return _refuse(RefusalCode.REFUSED, f"stack {stack.name} is {stack.status}")
    try:
        parse(template)
    except InvalidTemplate as error:
        return _refuse(RefusalCode.INVALID, f"stack {stack.name} is not a cluster: {error}")
    return EndStackOperation(OperationState.DONE)


def _refuse(code: RefusalCode, message: str) -> FailStackOperation:
    return FailStackOperation(code, message, is_removal=True)
