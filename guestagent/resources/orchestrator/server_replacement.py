"""A new server for an instance, with its volume and port: the old one goes first, then Heat makes another. Pure.

Heat would create the new server before it deletes the old one, and Cinder gives a volume to no second server. So the
server is marked unhealthy in Heat, deleted in Nova, and the update follows when its volume is free. Heat replaces a
server that is marked, whatever its template says.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.presence import parse_refusal
from guestagent.resources.natives.requests import DeleteServer
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.overdue_work import call_for_help
from guestagent.resources.orchestrator.server_look import ServerLook
from guestagent.resources.orchestrator.server_requests import (
    SERVER_ACTION_LIMIT_S,
    SERVER_PAUSE_S,
    ServerStep,
    await_server,
    build_server_record,
    find_server_record,
)
from guestagent.resources.orchestrator.stack_steps import (
    FailStackOperation,
    MarkServer,
    SendServerRequest,
    WaitForStack,
)
from guestagent.resources.orchestrator.stack_view import StackView
from guestagent.resources.orders import ReplaceInstance
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord

SERVER = ResourceKind.SERVER
FREE, ATTACHED = "available", "in-use"
DELETION_RETRY_S = 30.0
DELETING = "deletion requested"


def decide_replacement(view: StackView, look: ServerLook, order: ReplaceInstance) -> ServerStep | None:
    """Return the next step before the update; None when Heat can make the new server."""
    record = find_server_record(view, SERVER)
    if record is None and (obstacle := _find_obstacle(view, look, order)) is not None:
        return obstacle
    if record is not None and record.phase is ResourcePhase.REFUSED:
        return _give_up(look, order, record)
    if record is None or not look.is_marked:
        return MarkServer(order.instance, record or build_server_record(view, look, SERVER))
    if look.server is not None:
        return _delete_server(view, look, record)
    if look.volume_status != FREE:
        text = f"the data volume of {order.instance} is {look.volume_status or 'gone'}"
        end = view.compute_end(record.intended_at, SERVER_ACTION_LIMIT_S)
        if view.now >= end:
            message = f"{text}, and its server is deleted: look at its attachments in Cinder"
            return call_for_help(view, message, end)
        return WaitForStack(text, SERVER_PAUSE_S)
    return None


def _find_obstacle(view: StackView, look: ServerLook, order: ReplaceInstance) -> FailStackOperation | None:
    """Return the failure if nothing may be touched: what the instance has must outlive its server."""
    name, instance = view.reference.name, order.instance
    if not look.is_known:
        message = f"stack {name} has no server of an instance {instance}"
        return FailStackOperation(RefusalCode.NOT_FOUND, message)
    if not look.has_volume:
        return FailStackOperation(
            RefusalCode.UNSUPPORTED,
            f"{instance} has no data volume of stack {name}: its data would go with its server. Add a replica, and "
            f"delete this one",
        )
    if not look.has_port:
        return FailStackOperation(
            RefusalCode.UNSUPPORTED,
            f"{instance} has no port of its own in stack {name}: another server would have another address. Only a "
            f"cluster with `network` in its description has ports",
        )
    if look.volume_status not in {FREE, ATTACHED}:
        return FailStackOperation(
            RefusalCode.REFUSED,
            f"the data volume of {instance} is {look.volume_status or 'gone'}: a new server could not have it",
        )
    return None


def _delete_server(view: StackView, look: ServerLook, record: ResourceRecord) -> ServerStep:
    """Delete the old server, by its id: once more has no effect."""
    assert look.server is not None
    if record.answer == DELETING and view.now < record.intended_at + DELETION_RETRY_S:
        return await_server(view, look, record)
    noted = replace(record, answer=DELETING, intended_at=view.now)
    return SendServerRequest(DeleteServer(server_id=look.server.id), noted)


def _give_up(
    look: ServerLook, order: ReplaceInstance, record: ResourceRecord
) -> MarkServer | FailStackOperation:
    """Nova keeps the server: it is healthy again, or every later update would replace it."""
    if look.is_marked:
        return MarkServer(order.instance, record, is_unhealthy=False)
    return FailStackOperation(*parse_refusal(record))
