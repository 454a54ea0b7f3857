"""A reboot before the update in which the node proves itself. Pure.

Only Nova's action tells how a reboot ended: a failed soft one leaves the server ACTIVE without a fault.
"""

from __future__ import annotations

from guestagent.resources.natives.request_words import describe_server
from guestagent.resources.natives.requests import RebootServer
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.server_look import ServerLook
from guestagent.resources.orchestrator.server_requests import (
    ServerStep,
    await_server,
    decide_request,
    fail_without_server,
    find_server_record,
)
from guestagent.resources.orchestrator.stack_steps import FailStackOperation
from guestagent.resources.orchestrator.stack_view import StackView
from guestagent.resources.orders import RestartInstance
from guestagent.resources.store.records import ResourceKind


def decide_restart(view: StackView, look: ServerLook, order: RestartInstance) -> ServerStep | None:
    """Return the next step of the reboot; None when it has ended well."""
    server = look.server
    if server is None:
        return fail_without_server(view, look)
    record = find_server_record(view, ResourceKind.REBOOT)
    statuses = ("ACTIVE", "SHUTOFF", "ERROR") if order.hard else ("ACTIVE",)
    if record is None and not look.is_at_rest(*statuses):
        if server.task_state is not None:
            return await_server(view, look, None)
        message = f"{describe_server(server, order.instance)}: a hard restart (--hard) starts it"
        return FailStackOperation(RefusalCode.REFUSED, message)
    request = RebootServer(server_id=server.id, hard=order.hard)
    if step := decide_request(view, look, ResourceKind.REBOOT, request, "reboot"):
        return step
    assert record is not None, "the request was accepted"
    action = look.find_action(record)
    if action is not None and action.result == "Error":
        message = f"the restart of {order.instance} failed: {action.message or 'Nova gives no reason'}"
        return FailStackOperation(RefusalCode.REFUSED, message)
    if not look.has_ended(action) or not look.is_at_rest("ACTIVE"):
        return await_server(view, look, record)
    return None
