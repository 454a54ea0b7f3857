"""A reboot, whose end only Nova's action tells: a failed soft one leaves the server ACTIVE without a fault. Pure."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudServer
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.presence import parse_refusal
from guestagent.resources.natives.proof import find_missing_proof
from guestagent.resources.natives.request_words import describe_server
from guestagent.resources.natives.requests import RebootServer
from guestagent.resources.natives.server_actions import (
    await_rest,
    build_action_key,
    find_action,
    is_ready_for_action,
    plan_action_request,
)
from guestagent.resources.natives.steps import ChangeInstance, FailOperation, NoteRecord, Steps, Waiting
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import RestartInstance
from guestagent.resources.store.records import ResourceKind, ResourcePhase
from guestagent.resources.wanted import WantedInstance


def plan_restart(
    view: ClusterView, instance: WantedInstance, server: CloudServer, order: RestartInstance
) -> Steps:
    """Return the next steps of a running restart; none when the node has proved itself after it."""
    key = build_action_key(view, ResourceKind.REBOOT, instance.name)
    record = view.records.get(key)
    if record is None and view.is_cancelled:
        return (FailOperation(RefusalCode.REFUSED, "cancelled"),)
    statuses = {"ACTIVE", "SHUTOFF", "ERROR"} if order.hard else {"ACTIVE"}
    if record is None and server.status not in statuses and server.task_state is None:
        message = (
            f"server {server.id} of {instance.name} is {server.status}: a hard restart (--hard) starts it"
        )
        return (FailOperation(RefusalCode.REFUSED, message),)
    if record is None and not is_ready_for_action(server, statuses):
        return (await_rest(view, describe_server(server, instance.name)),)
    request = RebootServer(server_id=server.id, hard=order.hard)
    if steps := plan_action_request(view, key, server.id, request, {"reboot"}):
        return steps
    record = view.records[key]
    ended = NoteRecord(replace(record, phase=ResourcePhase.GONE), "ended")
    if record.phase.is_refused:
        return (ended, FailOperation(*parse_refusal(record)))
    if record.phase is ResourcePhase.GONE:
        return ()
    action = find_action(view, server.id, record)
    if action is not None and action.result == "Error":
        message = f"the restart of {instance.name} failed: {action.message or 'Nova gives no reason'}"
        return (ended, FailOperation(RefusalCode.REFUSED, message))
    if action is None or not action.result or not is_ready_for_action(server, {"ACTIVE"}):
        return (Waiting(describe_server(server, instance.name)),)
    if record.cloud_id is None:
        noted = replace(record, cloud_id=server.id, intended_at=view.now)
        return (
            NoteRecord(noted, "restarted"),
            ChangeInstance(instance.renewed(), "prove it after the restart"),
        )
    missing = find_missing_proof(view, instance, record.intended_at)
    if isinstance(missing, Waiting):
        return (missing,)
    return (ended,) if missing is None else (ended, missing)
