"""A move to another host: held in VERIFY_RESIZE until the node has proved itself in an update, then confirmed. Pure.

Heat knows nothing of it. An operation never ends while its server is on the way or waits in VERIFY_RESIZE: whatever
ends it without a proof first returns the server to its old host. A move without a host ends as ACTIVE; only Nova's
action tells.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.controller.heat_api import Stack
from guestagent.resources.natives.presence import parse_refusal
from guestagent.resources.natives.request_words import RESET_HINT, describe_server
from guestagent.resources.natives.requests import ConfirmResize, MigrateServer, RevertResize
from guestagent.resources.natives.server_actions import REVERTING
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orchestrator.server_look import ServerLook
from guestagent.resources.orchestrator.server_requests import (
    SERVER_ACTION_LIMIT_S,
    SERVER_PAUSE_S,
    ServerStep,
    await_server,
    decide_request,
    fail_without_server,
    find_server_record,
)
from guestagent.resources.orchestrator.stack_failures import classify_stack_failure
from guestagent.resources.orchestrator.stack_steps import (
    EndStackOperation,
    FailStackOperation,
    NeedHelp,
    SendServerRequest,
    SendStackRequest,
    StackStep,
    WaitForStack,
)
from guestagent.resources.orchestrator.stack_view import StackView
from guestagent.resources.orders import MigrateInstance
from guestagent.resources.store.records import ResourceKind, ResourceRecord

MIGRATION = ResourceKind.MIGRATION
VERIFY_RESIZE = "VERIFY_RESIZE"
PROVING_UPDATE, RETURNING_UPDATE = 1, 2
"""Of a migration: the node proves itself on the new host; it does so on the old one, to which it has returned."""
VERDICT_RETRY_S = 30.0
CONFIRMING = "confirm requested"


def decide_migration(
    view: StackView, look: ServerLook, order: MigrateInstance
) -> ServerStep | EndStackOperation | None:
    """Return the next step before the proving update; None when the server waits for it on its new host."""
    if look.server is None:
        return fail_without_server(view, look)
    record = find_server_record(view, MIGRATION)
    if record is None and (obstacle := _find_obstacle(view, look, order)) is not None:
        return obstacle
    request = MigrateServer(server_id=look.server.id)
    if step := decide_request(view, look, MIGRATION, request, "migrate"):
        return step
    assert record is not None, "the request was accepted"
    if record.answer.startswith(REVERTING):
        return _await_return(view, look, record)
    action = look.find_action(record)
    if action is not None and action.result == "Error":
        message = f"{order.instance} was not moved: {action.message or 'No valid host was found'}"
        return FailStackOperation(RefusalCode.NO_CAPACITY, message)
    if look.server.status == "ERROR":
        return FailStackOperation(
            RefusalCode.ATTENTION,
            f"{describe_server(look.server, order.instance)}: {look.server.fault or 'Nova gives no reason'}. A hard "
            f"restart brings it back",
        )
    is_over = look.has_ended(action) and look.is_at_rest("ACTIVE", "SHUTOFF")
    if not is_over and not look.is_at_rest(VERIFY_RESIZE):
        return await_server(view, look, record)
    if is_over and _has_action(look, record, "revertResize"):
        message = f"{order.instance} was returned to its old host by somebody else"
        return FailStackOperation(RefusalCode.REFUSED, message)
    return EndStackOperation(OperationState.CANCELLED) if view.queued.is_cancelled else None


def decide_migration_end(view: StackView, look: ServerLook, number: int, reason: str) -> StackStep:
    """Return the next step when an update is complete: confirm the move, or tell why the server has returned."""
    assert isinstance(view.order, MigrateInstance)
    record = find_server_record(view, MIGRATION)
    if number == RETURNING_UPDATE:
        message = f"{view.order.instance} is on its old host again: {reason}"
        return FailStackOperation(classify_stack_failure(reason), message)
    if look.server is None:
        return fail_without_server(view, look)
    if record is None or look.is_at_rest("ACTIVE", "SHUTOFF"):
        return EndStackOperation(OperationState.DONE)
    if look.is_at_rest(VERIFY_RESIZE):
        return _request_verdict(view, record, CONFIRMING, ConfirmResize(server_id=look.server.id))
    return await_server(view, look, record)


def decide_migration_return(
    view: StackView, look: ServerLook, number: int, stack: Stack
) -> SendStackRequest | None:
    """Let the node prove itself on its old host, to which its server has returned after a failed proof."""
    record = find_server_record(view, MIGRATION)
    if number != PROVING_UPDATE or record is None or not _has_action(look, record, "revertResize"):
        return None
    if not look.is_at_rest("ACTIVE"):
        return None
    failure = stack.reason or "Heat gives no reason"
    return SendStackRequest(ResourceKind.STACK_UPDATE, RETURNING_UPDATE, failure=failure)


def return_first(view: StackView, step: StackStep) -> StackStep:
    """Return the step, or one that returns the server first: the operation would end before its server is at rest."""
    is_end = isinstance(step, FailStackOperation | EndStackOperation)
    if not is_end or not isinstance(view.order, MigrateInstance) or view.look is None:
        return step
    record = find_server_record(view, MIGRATION)
    if record is None or view.look.server is None or view.look.is_at_rest("ACTIVE", "SHUTOFF", "ERROR"):
        return step
    if not view.look.is_at_rest(VERIFY_RESIZE):
        return await_server(view, view.look, record)
    message = f"{step.code}: {step.message}" if isinstance(step, FailStackOperation) else "cancelled"
    request = RevertResize(server_id=view.look.server.id)
    return _request_verdict(view, record, f"{REVERTING}: {message}", request)


def _find_obstacle(
    view: StackView, look: ServerLook, order: MigrateInstance
) -> WaitForStack | NeedHelp | FailStackOperation | None:
    """Return the step if the request must not be sent (yet)."""
    assert look.server is not None
    if look.volume_status == "extending":
        text = "the data volume is extending, and a move would put the server into ERROR"
        if view.now >= view.compute_end(view.started_at, SERVER_ACTION_LIMIT_S):
            return NeedHelp(f"{text}: {RESET_HINT}")
        return WaitForStack(text, SERVER_PAUSE_S)
    if look.server.task_state is not None:
        return await_server(view, look, None)
    if look.server.status != "ACTIVE":
        message = f"{describe_server(look.server, order.instance)}: it can be moved only while ACTIVE"
        return FailStackOperation(RefusalCode.REFUSED, message)
    return None


def _await_return(
    view: StackView, look: ServerLook, record: ResourceRecord
) -> ServerStep | EndStackOperation:
    """The proving update could not be sent, or was cancelled: the server returns, and the operation ends."""
    assert look.server is not None
    reason = record.answer.removeprefix(REVERTING).removeprefix(": ")
    if look.is_at_rest(VERIFY_RESIZE):
        return _request_verdict(view, record, record.answer, RevertResize(server_id=look.server.id))
    if not look.is_at_rest("ACTIVE", "SHUTOFF", "ERROR"):
        return await_server(view, look, record)
    if view.queued.is_cancelled:
        return EndStackOperation(OperationState.CANCELLED)
    return FailStackOperation(*parse_refusal(replace(record, answer=reason)))


def _request_verdict(
    view: StackView, record: ResourceRecord, answer: str, request: ConfirmResize | RevertResize
) -> SendServerRequest | WaitForStack:
    """Send a request whose effect is not visible, but not too often. The record's `answer` is why it is sent."""
    if record.answer == answer and view.now < record.intended_at + VERDICT_RETRY_S:
        return WaitForStack(answer, SERVER_PAUSE_S)
    return SendServerRequest(request, replace(record, answer=answer, intended_at=view.now))


def _has_action(look: ServerLook, record: ResourceRecord, name: str) -> bool:
    return any(each.action == name for each in look.list_newer_actions(record))
