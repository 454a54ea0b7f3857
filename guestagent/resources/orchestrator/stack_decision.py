"""Decides the next step for a cluster whose operation runs. Pure.

A request is sent once. If its answer is unknown, the newest template shows whether it has arrived; that it has not is
believed only when the settle time is over. A stack that another client has updated meanwhile is left alone.
"""

from __future__ import annotations

from guestagent.controller.heat_api import Stack
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orchestrator.overdue_work import call_for_help, describe_lost_stack
from guestagent.resources.orchestrator.server_migration import (
    decide_migration,
    decide_migration_end,
    decide_migration_return,
    return_first,
)
from guestagent.resources.orchestrator.server_replacement import decide_replacement
from guestagent.resources.orchestrator.server_restart import decide_restart
from guestagent.resources.orchestrator.stack_failures import classify_stack_failure
from guestagent.resources.orchestrator.stack_steps import (
    DeleteVolumes,
    EndStackOperation,
    FailStackOperation,
    NeedHelp,
    NoteArrival,
    SendStackRequest,
    StackStep,
    WaitForStack,
)
from guestagent.resources.orchestrator.stack_updates import (
    FIRST_REVERTING_UPDATE,
    LAST_REVERTING_UPDATE,
    PROVING_UPDATE,
)
from guestagent.resources.orchestrator.stack_view import StackView
from guestagent.resources.orders import (
    CreateCluster,
    MigrateInstance,
    ReplaceInstance,
    ResizeFailure,
    ResizeInstance,
    RestartInstance,
)
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord

POLL_PAUSE_S = 2.0
"""Between two looks at a stack that Heat works on."""
STRANGER_PAUSE_S = 10.0
"""Between two looks at a stack that Heat works on for somebody else."""
ACTION_START_LIMIT_S = 10.0
"""How long an accepted request may not show in the stack's status."""
ACTION_LIMIT_MARGIN_S = 600.0
"""After so long beyond the stack's own timeout Heat is taken to have lost it."""
FOREIGN_ACTION_LIMIT_S = 4 * 3600.0
"""The same for an action that this operation has not begun, of which the timeout is not known."""
DELETION_LIMIT_S = 1800.0
"""How long Heat may take to delete a stack before a person is called."""
DELETION_TRIES = 3
"""Requests to delete a stack, of which Heat could not delete a resource, before a person is called."""


def decide_step(view: StackView) -> StackStep:
    """Return the next step of the running operation."""
    if view.is_deletion:
        return _decide_deletion(view)
    return return_first(view, _decide_change(view))


def _decide_change(view: StackView) -> StackStep:
    record = view.record
    if isinstance(view.order, CreateCluster) and record is None:
        return _decide_creation(view)
    if record is None:
        return _decide_first_update(view)
    if record.phase is ResourcePhase.INTENDED:
        return _decide_unknown(view, record)
    return _decide_accepted(view, record)


def _decide_creation(view: StackView) -> StackStep:
    if view.stack is not None:
        return FailStackOperation(
            RefusalCode.EXISTS,
            f"there is a stack {view.stack.name} already ({view.stack.id}): register it, or choose another name",
            is_removal=True,
        )
    return SendStackRequest(ResourceKind.STACK, 0)


def _decide_first_update(view: StackView) -> StackStep:
    """Begin with the order's first update when nobody else has Heat work on the stack."""
    if view.queued.is_cancelled and not view.has_server_request:
        return EndStackOperation(OperationState.CANCELLED)
    if view.stack is None:
        return _fail_without_stack(view)
    if view.stack.in_progress:
        end = view.compute_end(view.started_at, FOREIGN_ACTION_LIMIT_S)
        if view.now > end:
            return call_for_help(view, describe_lost_stack(view.stack), end)
        reason = f"stack {view.stack.name} is {view.stack.status}, by another client or an earlier order"
        return WaitForStack(reason, STRANGER_PAUSE_S)
    return _decide_server_request(view) or SendStackRequest(ResourceKind.STACK_UPDATE, 1)


def _decide_server_request(view: StackView) -> StackStep | None:
    """Return what Nova has to do before the first update; None: nothing (any more)."""
    if view.look is None:
        return None
    if isinstance(view.order, RestartInstance):
        return decide_restart(view, view.look, view.order)
    if isinstance(view.order, MigrateInstance):
        return decide_migration(view, view.look, view.order)
    if isinstance(view.order, ReplaceInstance):
        return decide_replacement(view, view.look, view.order)
    return None


def _decide_unknown(view: StackView, record: ResourceRecord) -> StackStep:
    """Find out whether the request has reached Heat."""
    stack = view.stack
    if stack is not None and view.has_arrived(record):
        return NoteArrival(record, stack.id)
    is_creation = record.key.kind is ResourceKind.STACK
    if is_creation and stack is not None:
        return FailStackOperation(
            RefusalCode.EXISTS,
            f"somebody else has made a stack {stack.name} ({stack.id}): register it, or choose another name",
            is_removal=True,
        )
    if not is_creation and stack is None:
        return _fail_without_stack(view)
    if stack is not None and stack.updated != record.cloud_request_id:
        return _leave_to_stranger(stack)
    if view.now < record.intended_at + view.settle_s:
        return WaitForStack("it is not known yet whether Heat has received the request", POLL_PAUSE_S)
    if view.queued.is_cancelled:
        return EndStackOperation(OperationState.CANCELLED)
    if stack is not None and stack.in_progress:
        return WaitForStack(f"stack {stack.name} is {stack.status}, by another client", STRANGER_PAUSE_S)
    return SendStackRequest(record.key.kind, int(record.key.name), record, record.answer)


def _decide_accepted(view: StackView, record: ResourceRecord) -> StackStep:
    """Watch the action that Heat has accepted."""
    stack = view.stack
    if stack is None:
        return _fail_without_stack(view)
    if not view.has_arrived(record) or stack.status.startswith("DELETE_"):
        return _leave_to_stranger(stack)
    if view.failure:
        return FailStackOperation(RefusalCode.NO_CAPACITY, view.failure)
    if stack.in_progress:
        end = view.compute_end(record.intended_at, view.timeout_s + ACTION_LIMIT_MARGIN_S)
        if view.now >= end:
            return call_for_help(view, describe_lost_stack(stack), end)
        return WaitForStack(f"stack {stack.name} is {stack.status}", POLL_PAUSE_S)
    is_update = record.key.kind is ResourceKind.STACK_UPDATE
    if (
        is_update
        and stack.updated == record.cloud_request_id
        and view.now < record.intended_at + ACTION_START_LIMIT_S
    ):
        return WaitForStack(f"Heat has not begun to update stack {stack.name}", POLL_PAUSE_S)
    number = int(record.key.name)
    if stack.failed:
        return _go_back(view, record, stack) or _fail_by_stack(stack)
    if view.volumes:
        return DeleteVolumes()
    if not is_update:
        return EndStackOperation(OperationState.DONE)
    if isinstance(view.order, MigrateInstance) and view.look is not None:
        return decide_migration_end(view, view.look, number, record.answer)
    if isinstance(view.order, ResizeInstance) and number == PROVING_UPDATE:
        return EndStackOperation(OperationState.DONE)
    if isinstance(view.order, ResizeInstance) and number == LAST_REVERTING_UPDATE:
        flavor = view.reference.previous_flavor
        message = f"{view.order.instance} has its old flavor {flavor} again: {record.answer}"
        return FailStackOperation(classify_stack_failure(record.answer), message)
    return SendStackRequest(ResourceKind.STACK_UPDATE, number + 1, failure=record.answer)


def _go_back(view: StackView, record: ResourceRecord, stack: Stack) -> SendStackRequest | None:
    """Return the update by which an order whose node has not proved itself goes back; None: it does not."""
    if isinstance(view.order, MigrateInstance) and view.look is not None:
        return decide_migration_return(view, view.look, int(record.key.name), stack)
    return _revert_resize(view, record, stack)


def _revert_resize(view: StackView, record: ResourceRecord, stack: Stack) -> SendStackRequest | None:
    """Return to the old flavor if the order says so, once."""
    order, flavor = view.order, view.reference.previous_flavor
    if not isinstance(order, ResizeInstance) or order.on_failure is not ResizeFailure.REVERT:
        return None
    if int(record.key.name) >= FIRST_REVERTING_UPDATE or flavor in {"", order.flavor}:
        return None
    failure = stack.reason or "Heat gives no reason"
    return SendStackRequest(ResourceKind.STACK_UPDATE, FIRST_REVERTING_UPDATE, failure=failure)


def _decide_deletion(view: StackView) -> StackStep:
    """Delete the stack, whatever it is doing; then the volumes that the order names."""
    record, stack = view.record, view.stack
    if stack is None:
        return _decide_without_stack(view)
    if view.queued.is_cancelled and record is None:
        return EndStackOperation(OperationState.CANCELLED)
    last = record if record is not None and record.key.kind is ResourceKind.STACK_DELETION else None
    number = 0 if record is None else int(record.key.name)
    if last is None:
        # Even if somebody else has Heat delete the stack: the order's volumes are recorded with the request.
        return SendStackRequest(ResourceKind.STACK_DELETION, number + 1)
    if stack.status == "DELETE_IN_PROGRESS":
        if view.is_over(last, DELETION_LIMIT_S):
            return NeedHelp(describe_lost_stack(stack))
        return WaitForStack(f"stack {stack.name} is {stack.status}", POLL_PAUSE_S)
    is_accepted = last.phase is ResourcePhase.CREATED
    if is_accepted and view.now < last.intended_at + ACTION_START_LIMIT_S:
        return WaitForStack(f"stack {stack.name} is {stack.status}", POLL_PAUSE_S)
    if stack.failed and last.attempts >= DELETION_TRIES * (1 + view.queued.retries):
        return NeedHelp(
            f"Heat cannot delete stack {stack.name}: {stack.reason or 'it gives no reason'}. Remove the cause, then "
            f"retry the operation"
        )
    return SendStackRequest(ResourceKind.STACK_DELETION, number, last)


def _decide_without_stack(view: StackView) -> StackStep:
    """End a deletion when nothing of the stack can appear any more."""
    for record in view.snapshot.resources:
        is_unknown = record.key.kind is ResourceKind.STACK and record.phase is ResourcePhase.INTENDED
        if is_unknown and view.now < record.intended_at + view.settle_s:
            return WaitForStack("it is not known yet whether Heat makes the stack", POLL_PAUSE_S)
    if view.volumes:
        return DeleteVolumes()
    is_cancelled = isinstance(view.order, CreateCluster)
    state = OperationState.CANCELLED if is_cancelled else OperationState.DONE
    return EndStackOperation(state, is_removal=True)


def _fail_without_stack(view: StackView) -> FailStackOperation:
    name = view.reference.name
    return FailStackOperation(
        RefusalCode.REFUSED, f"stack {name} is gone: delete the cluster, which has nothing any more"
    )


def _fail_by_stack(stack: Stack) -> FailStackOperation:
    reason = stack.reason or "Heat gives no reason"
    way_out = "renew_instance gives a node that has failed another try, delete_cluster removes everything"
    return FailStackOperation(
        classify_stack_failure(reason), f"stack {stack.name} is {stack.status}: {reason} ({way_out})"
    )


def _leave_to_stranger(stack: Stack) -> StackStep:
    """Change nothing of what another client has done."""
    if stack.in_progress:
        return WaitForStack(f"stack {stack.name} is {stack.status}, by another client", STRANGER_PAUSE_S)
    return FailStackOperation(
        RefusalCode.REFUSED,
        f"another client has changed stack {stack.name} meanwhile: look at it (guestagent cluster status), then "
        f"give the order again",
    )
