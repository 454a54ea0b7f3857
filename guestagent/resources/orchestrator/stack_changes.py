"""What a step of ORCHESTRATOR writes into the store. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guestagent.resources.operation import Operation, OperationState, OrderRefusal
from guestagent.resources.orchestrator.stack_reference import StackReference, dump_reference
from guestagent.resources.orchestrator.stack_steps import (
    EndStackOperation,
    FailStackOperation,
    GrowStackVolume,
    MarkServer,
    NeedHelp,
    NoteArrival,
    NoteRequest,
    SendServerRequest,
    SendStackRequest,
    StackStep,
    WaitForStack,
)
from guestagent.resources.orchestrator.stack_view import StackView, build_request_key
from guestagent.resources.orders import AdmitFollower
from guestagent.resources.store.records import ClusterChange, ResourcePhase, ResourceRecord


def build_intent(view: StackView, step: SendStackRequest, elapsed_s: float) -> ResourceRecord:
    """Return the record of a request that is about to be sent, so many seconds after the round began."""
    return ResourceRecord(
        key=build_request_key(view.snapshot, view.queued, step.kind, step.number),
        cloud_id=None if view.stack is None else view.stack.id,
        operation_id=view.queued.operation.id,
        intended_at=view.now + elapsed_s,
        attempts=1 if step.previous is None else step.previous.attempts + 1,
        answer=step.failure,
        cloud_request_id="" if view.stack is None else view.stack.updated,
    )


def build_request_change(
    view: StackView, step: SendStackRequest, records: tuple[ResourceRecord, ...], reference: StackReference
) -> ClusterChange:
    """Return what to write before a request: its record, what its order deletes, and how its server was before."""
    change = build_step_change(view, step, {})
    return ClusterChange(
        resources=records,
        operations=() if change is None else change.operations,
        attention=None if change is None else change.attention,
        wanted=dump_reference(reference) if reference != view.reference else None,
    )


def note_arrival(view: StackView, record: ResourceRecord, stack_id: str) -> ClusterChange:
    """Return what to write when Heat has a request: its record, and the way to the stack."""
    arrived = replace(record, phase=ResourcePhase.CREATED, cloud_id=stack_id)
    reference = replace(view.reference, stack_id=stack_id)
    return ClusterChange(
        resources=(arrived,), wanted=dump_reference(reference) if reference != view.reference else None
    )


def build_step_change(view: StackView, step: StackStep, result: Mapping[str, str]) -> ClusterChange | None:
    """Return what a step writes beside the records of requests; None: nothing is new. `result` is a done order's."""
    if isinstance(step, NoteArrival):
        return note_arrival(view, step.record, step.stack_id)
    if isinstance(step, NoteRequest):
        return ClusterChange(resources=(step.record,))
    if isinstance(step, EndStackOperation | FailStackOperation):
        return _build_ending(view, step, result)
    operation = replace(
        view.queued.operation,
        step=str(step)
        if isinstance(step, SendStackRequest | GrowStackVolume | SendServerRequest | MarkServer)
        else view.queued.operation.step,
        waiting_for=step.reason if isinstance(step, WaitForStack) else "",
        attention=step.message if isinstance(step, NeedHelp) else "",
    )
    attention = operation.attention if operation.attention != view.snapshot.cluster.attention else None
    if operation == view.queued.operation and attention is None:
        return None
    return ClusterChange(operations=(operation,), attention=attention)


def _build_ending(
    view: StackView, step: EndStackOperation | FailStackOperation, result: Mapping[str, str]
) -> ClusterChange:
    """End the operation, and forget its requests and whatever else it had to do."""
    reference = _choose_reference(view, step)
    return ClusterChange(
        wanted=dump_reference(reference) if reference != view.reference else None,
        attention="" if view.snapshot.cluster.attention else None,
        operations=(_end_operation(view, step, result),),
        forgotten=tuple(record.key for record in view.snapshot.resources),
        is_removed=step.is_removal,
    )


def _choose_reference(view: StackView, step: EndStackOperation | FailStackOperation) -> StackReference:
    """Return the way to the stack after the operation. A deletion that was not begun leaves it as it was.

    A follower whose admission has failed is not admitted, whatever Heat has made of the update: the next order does it
    again.
    """
    if step.is_removal:
        return StackReference(name=view.reference.name, is_wanted=False)
    stack_id = view.reference.stack_id if view.stack is None else view.stack.id
    reference = replace(view.reference, is_wanted=True, stack_id=stack_id)
    if not isinstance(step, FailStackOperation) or not isinstance(view.order, AdmitFollower):
        return reference
    follower = view.order.follower
    return replace(
        reference, admissions=tuple(each for each in reference.admissions if each.follower != follower)
    )


def _end_operation(
    view: StackView, step: EndStackOperation | FailStackOperation, result: Mapping[str, str]
) -> Operation:
    ended = replace(
        view.queued.operation, ended_at=view.now, step="", waiting_for="", attention="", result=result
    )
    if isinstance(step, EndStackOperation):
        return replace(ended, state=step.state)
    refusal = OrderRefusal(step.code, step.message)
    return replace(ended, state=OperationState.FAILED, refusal=refusal, result={})
