"""The online growth of a data volume: proved by Cinder's size, then by Nova's action on the server. Pure.

A hypervisor that refuses to grow a disk leaves the volume in-use with the new size: only the server's action tells.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudServer, CloudVolume
from guestagent.resources.natives.cluster_view import UNCERTAIN_PHASES, ClusterView
from guestagent.resources.natives.presence import parse_refusal
from guestagent.resources.natives.requests import GrowVolume
from guestagent.resources.natives.server_actions import (
    build_action_key,
    list_newer_actions,
    plan_action_request,
)
from guestagent.resources.natives.steps import (
    ChangeInstance,
    FailOperation,
    NeedAttention,
    NoteRecord,
    Steps,
    Waiting,
)
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.wanted import WantedInstance

EXTEND_DEADLINE_S = 1800.0
ACTION_DEADLINE_S = 120.0
"""Nova has its action within this time after Cinder shows the new size, or it was never notified."""
READY_STATUSES = frozenset({"ACTIVE", "SHUTOFF", "PAUSED"})


def plan_growth(
    view: ClusterView, instance: WantedInstance, server: CloudServer, volume: CloudVolume
) -> Steps:
    """Return the next steps of a running growth; none when Cinder and Nova have shown it."""
    key = build_action_key(view, ResourceKind.GROWTH, instance.name)
    record = view.records.get(key)
    if record is None:
        if volume.size_gib >= instance.volume.size_gib:
            return ()
        if view.is_cancelled:
            return _abandon(instance, volume, RefusalCode.REFUSED, "cancelled")
        if volume.status not in {"in-use", "available"}:
            return (Waiting(f"volume {volume.id} is {volume.status}"),)
        if server.task_state is not None or server.status not in READY_STATUSES:
            return (Waiting(f"server {server.id} is {server.status}/{server.task_state}"),)
    elif record.phase in UNCERTAIN_PHASES and _has_begun(instance, volume):
        return (NoteRecord(replace(record, phase=ResourcePhase.CREATED, answer=""), volume.status),)
    request = GrowVolume(volume_id=volume.id, size_gib=instance.volume.size_gib)
    if steps := plan_action_request(view, key, server.id, request, {"extend_volume"}):
        return steps
    record = view.records[key]
    if record.phase is ResourcePhase.GONE:
        return ()
    if record.phase is ResourcePhase.REFUSED:
        return _abandon(instance, volume, *parse_refusal(record), record)
    if volume.status == "extending":
        return _await_growth(view, record, volume)
    if volume.size_gib >= instance.volume.size_gib and not volume.status.startswith("error"):
        return _plan_grown(view, record, instance, server, volume)
    if volume.status.startswith("error") or view.now > record.intended_at + ACTION_DEADLINE_S:
        reason = view.lookups.messages.get(volume.id, "") or "Cinder gives no reason"
        message = (
            f"volume {volume.id} of {instance.name} is {volume.status} with {volume.size_gib} GiB: {reason}"
        )
        return _abandon(instance, volume, RefusalCode.REFUSED, message, record)
    return (Waiting(f"volume {volume.id} is {volume.status} with {volume.size_gib} GiB"),)


def _plan_grown(
    view: ClusterView,
    record: ResourceRecord,
    instance: WantedInstance,
    server: CloudServer,
    volume: CloudVolume,
) -> Steps:
    """Cinder shows the new size. Ask Nova whether the server has it, too."""
    ended = NoteRecord(replace(record, phase=ResourcePhase.GONE), "grown")
    if volume.status == "available":
        return (ended,)
    if record.cloud_id is None:
        noted = replace(record, cloud_id=volume.id, intended_at=view.now)
        return (NoteRecord(noted, f"{volume.size_gib} GiB in Cinder"),)
    action = next(
        (each for each in list_newer_actions(view, server.id, record) if each.action == "extend_volume"), None
    )
    if action is not None and action.result == "Success":
        return (ended,)
    if (action is None or not action.result) and view.now <= record.intended_at + ACTION_DEADLINE_S:
        return (Waiting(f"server {server.id} has not seen the new size of volume {volume.id} yet"),)
    message = (
        f"volume {volume.id} of {instance.name} has {volume.size_gib} GiB, but its server does not see them: "
        f"a hard restart of the instance shows them to it"
    )
    return (ended, FailOperation(RefusalCode.ATTENTION, message))


def _has_begun(instance: WantedInstance, volume: CloudVolume) -> bool:
    return volume.status in {"extending", "error_extending"} or volume.size_gib >= instance.volume.size_gib


def _await_growth(view: ClusterView, record: ResourceRecord, volume: CloudVolume) -> Steps:
    if view.now > record.intended_at + EXTEND_DEADLINE_S:
        message = f"volume {volume.id} is extending for half an hour: the cloud's administrator has to reset its state"
        return (NeedAttention(RefusalCode.DEADLINE, message),)
    return (Waiting(f"volume {volume.id} is extending"),)


def _abandon(
    instance: WantedInstance,
    volume: CloudVolume,
    code: RefusalCode,
    message: str,
    record: ResourceRecord | None = None,
) -> Steps:
    """End the operation with the volume as large as it is."""
    ended = () if record is None else (NoteRecord(replace(record, phase=ResourcePhase.GONE), "abandoned"),)
    settled = replace(instance, volume=replace(instance.volume, size_gib=volume.size_gib))
    return (*ended, ChangeInstance(settled, "the size that it has"), FailOperation(code, message))
