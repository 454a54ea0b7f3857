"""Another flavor or another host for a server: held in VERIFY_RESIZE until the node has proved itself, then confirmed.

Pure. A migration is a resize without a flavor. A resize that finds no host ends as ACTIVE with the old flavor and no
fault: only Nova's action tells. The record of the action is REFUSED once the old server has to return.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudServer, CloudVolume
from guestagent.resources.natives.cluster_view import STALE_READ_S, ClusterView
from guestagent.resources.natives.presence import parse_refusal
from guestagent.resources.natives.proof import find_missing_proof
from guestagent.resources.natives.request_words import describe_record, describe_server, describe_volume_error
from guestagent.resources.natives.requests import ConfirmResize, MigrateServer, ResizeServer, RevertResize
from guestagent.resources.natives.server_actions import (
    REVERTING,
    await_rest,
    build_action_key,
    find_action,
    is_ready_for_action,
    list_newer_actions,
    plan_action_request,
)
from guestagent.resources.natives.steps import (
    ChangeInstance,
    FailOperation,
    NeedAttention,
    NoteRecord,
    SendRequest,
    Steps,
    Waiting,
)
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import ResizeFailure, ResizeInstance
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.wanted import WantedInstance

RESIZE_DEADLINE_S = 1800.0
CONFIRM_RETRY_S = 30.0
CONFIRMING = "confirm requested"


def plan_move(view: ClusterView, instance: WantedInstance, server: CloudServer, volume: CloudVolume) -> Steps:
    """Return the next steps of the running resize or migration of the instance; none when it has ended well."""
    is_resize = isinstance(view.order, ResizeInstance)
    key = build_action_key(view, ResourceKind.RESIZE if is_resize else ResourceKind.MIGRATION, instance.name)
    record = view.records.get(key)
    if record is None and (steps := _find_obstacle(view, instance, server, volume, is_resize)) is not None:
        return steps
    request = (
        ResizeServer(server_id=server.id, flavor=instance.flavor)
        if is_resize
        else MigrateServer(server_id=server.id)
    )
    if steps := plan_action_request(view, key, server.id, request, {"resize"} if is_resize else {"migrate"}):
        return steps
    record = view.records[key]
    if record.phase.is_refused:
        return _plan_return(view, record, instance, server)
    if record.phase is ResourcePhase.GONE:
        return ()
    if server.status == "VERIFY_RESIZE" and server.task_state is None:
        return _plan_verification(view, record, instance, server)
    if server.status in {"ACTIVE", "SHUTOFF"} and server.task_state is None:
        return _plan_end(view, record, instance, server, is_resize)
    if server.status == "ERROR":
        return _abandon(instance, server, RefusalCode.ATTENTION, _describe_error(server, instance), record)
    return _await_server(view, record, server)


def _find_obstacle(
    view: ClusterView, instance: WantedInstance, server: CloudServer, volume: CloudVolume, is_resize: bool
) -> Steps | None:
    """Return the steps if the request must not be sent (yet), or is not needed."""
    if is_resize and server.flavor == instance.flavor:
        return () if instance.previous_flavor is None else (_settle_flavor(instance),)
    if view.is_cancelled:
        return _abandon(instance, server, RefusalCode.REFUSED, "cancelled")
    if volume.status.startswith("error"):
        return _abandon(instance, server, RefusalCode.REFUSED, describe_volume_error(volume, instance.name))
    if volume.status != "in-use":
        text = f"volume {volume.id} is {volume.status}, and a move would put the server into ERROR"
        return (await_rest(view, text),)
    if server.status not in {"ACTIVE", "ERROR", "SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED_OFFLOADED"}:
        return (await_rest(view, describe_server(server, instance.name)),)
    if server.status != "ACTIVE":
        message = (
            f"server {server.id} of {instance.name} is {server.status}: it can be moved only while ACTIVE"
        )
        return _abandon(instance, server, RefusalCode.REFUSED, message)
    if not is_ready_for_action(server, {"ACTIVE"}):
        return (await_rest(view, describe_server(server, instance.name)),)
    return None


def _plan_verification(
    view: ClusterView, record: ResourceRecord, instance: WantedInstance, server: CloudServer
) -> Steps:
    """Confirm if the node has proved itself on the new host; otherwise wait, and in the end return to the old one."""
    if record.cloud_id is None:
        return _begin_proof(view, record, instance, server)
    if record.answer == CONFIRMING:
        return _repeat_request(view, record, ConfirmResize(server_id=server.id))
    if view.is_cancelled:
        return _begin_return(record, instance, "cancelled")
    missing = find_missing_proof(view, instance, record.intended_at)
    if isinstance(missing, Waiting):
        return (missing,)
    if missing is None:
        confirming = replace(record, answer=CONFIRMING, intended_at=view.now)
        return (SendRequest(confirming, ConfirmResize(server_id=server.id)),)
    if isinstance(view.order, ResizeInstance) and view.order.on_failure is ResizeFailure.KEEP:
        return (NoteRecord(replace(record, answer=CONFIRMING, intended_at=0.0), missing.message),)
    return _begin_return(record, instance, missing.message)


def _plan_end(
    view: ClusterView, record: ResourceRecord, instance: WantedInstance, server: CloudServer, is_resize: bool
) -> Steps:
    """The server is at rest: it has moved, or it has not."""
    action = find_action(view, server.id, record)
    if action is not None and action.result == "Error":
        message = f"{instance.name} was not moved: {action.message or 'No valid host was found'}"
        return _abandon(instance, server, RefusalCode.NO_CAPACITY, message, record)
    is_successful = action is not None and action.result == "Success"
    later = {each.action for each in list_newer_actions(view, server.id, record)}
    is_verified = is_successful or record.cloud_id is not None or "confirmResize" in later
    has_moved = server.flavor == instance.flavor if is_resize else is_verified and "revertResize" not in later
    is_stale = view.now < record.intended_at + STALE_READ_S
    if not has_moved and not is_stale and (record.cloud_id is not None or is_successful):
        message = f"{instance.name} was returned to {server.flavor} by somebody else"
        return _abandon(instance, server, RefusalCode.REFUSED, message, record)
    if not has_moved:
        return _await_server(view, record, server)
    if record.cloud_id is None:
        return _begin_proof(view, record, instance, server)
    missing = find_missing_proof(view, instance, record.intended_at or view.now)
    if isinstance(missing, Waiting):
        return (missing,)
    ended = NoteRecord(replace(record, phase=ResourcePhase.GONE), "moved")
    settled = (_settle_flavor(instance),) if instance.previous_flavor is not None else ()
    return (ended, *settled) if missing is None else (ended, *settled, missing)


def _plan_return(
    view: ClusterView, record: ResourceRecord, instance: WantedInstance, server: CloudServer
) -> Steps:
    """The cloud refused the move, or the old server has to return."""
    if not record.answer.startswith(REVERTING):
        code, message = parse_refusal(record)
        return _abandon(instance, server, code, message, record)
    reason = record.answer.removeprefix(REVERTING).removeprefix(": ")
    if server.status == "VERIFY_RESIZE" and server.task_state is None:
        return _repeat_request(view, record, RevertResize(server_id=server.id))
    if server.status == "ERROR":
        return _abandon(
            instance, server, RefusalCode.ATTENTION, f"{_describe_error(server, instance)}: {reason}", record
        )
    if not is_ready_for_action(server, {"ACTIVE", "SHUTOFF"}):
        return _await_server(view, record, server)
    ended = NoteRecord(replace(record, phase=ResourcePhase.GONE), "returned")
    settled = replace(instance.renewed(), flavor=server.flavor, previous_flavor=None)
    fail = FailOperation(RefusalCode.REFUSED, f"{instance.name} is back on {server.flavor}: {reason}")
    return (ended, ChangeInstance(settled, "returned"), fail)


def _begin_proof(
    view: ClusterView, record: ResourceRecord, instance: WantedInstance, server: CloudServer
) -> Steps:
    """Let the node prove itself from now on: what it has proved before, it has proved elsewhere."""
    noted = replace(record, cloud_id=server.id, intended_at=view.now)
    return (
        NoteRecord(noted, f"{server.status}"),
        ChangeInstance(instance.renewed(), "prove it after the move"),
    )


def _begin_return(record: ResourceRecord, instance: WantedInstance, reason: str) -> Steps:
    """Decide to return, which is written down before it is requested."""
    noted = replace(record, phase=ResourcePhase.REFUSED, answer=f"{REVERTING}: {reason}", intended_at=0.0)
    return (NoteRecord(noted, reason),)


def _repeat_request(
    view: ClusterView, record: ResourceRecord, request: ConfirmResize | RevertResize
) -> Steps:
    """Send a request whose effect is not visible, but not too often."""
    if view.now < record.intended_at + CONFIRM_RETRY_S:
        return (Waiting(f"{describe_record(record.key)}: {record.answer}"),)
    return (SendRequest(replace(record, intended_at=view.now), request, is_repeated=record.intended_at > 0),)


def _abandon(
    instance: WantedInstance,
    server: CloudServer,
    code: RefusalCode,
    message: str,
    record: ResourceRecord | None = None,
) -> Steps:
    """End the operation with the server as it is."""
    ended = () if record is None else (NoteRecord(replace(record, phase=ResourcePhase.GONE), "abandoned"),)
    settled = replace(instance, flavor=server.flavor, previous_flavor=None)
    return (*ended, ChangeInstance(settled, "the flavor that it has"), FailOperation(code, message))


def _describe_error(server: CloudServer, instance: WantedInstance) -> str:
    fault = server.fault or "Nova gives no reason"
    return (
        f"server {server.id} of {instance.name} is in ERROR: {fault}. A hard restart (--hard) brings it back"
    )


def _settle_flavor(instance: WantedInstance) -> ChangeInstance:
    return ChangeInstance(replace(instance, previous_flavor=None), f"its flavor is {instance.flavor}")


def _await_server(view: ClusterView, record: ResourceRecord, server: CloudServer) -> Steps:
    text = describe_server(server, record.key.instance)
    if record.intended_at and view.now > record.intended_at + RESIZE_DEADLINE_S:
        return (NeedAttention(RefusalCode.DEADLINE, f"{text} for half an hour"),)
    return (Waiting(text),)
