"""The online growth of a data volume: proved by Cinder's size, by Nova's action on the server, then by the guest. Pure.

A hypervisor that refuses to grow a disk leaves the volume in-use with the new size: only the server's action tells. The
guest proves a growth in a generation of its own, by the bytes of its file system.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudServer, CloudVolume
from guestagent.resources.natives.cluster_view import STALE_READ_S, UNCERTAIN_PHASES, ClusterView
from guestagent.resources.natives.presence import parse_refusal
from guestagent.resources.natives.proof import find_missing_proof, has_file_system_of
from guestagent.resources.natives.request_words import (
    RESET_HINT,
    describe_server,
    describe_volume_error,
)
from guestagent.resources.natives.requests import GrowVolume
from guestagent.resources.natives.server_actions import (
    await_rest,
    build_action_key,
    get_growth_request_id,
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
from guestagent.resources.natives.volume_messages import (
    NO_REASON,
    choose_failure_code,
    find_failure,
    join_messages,
)
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.wanted import WantedInstance

EXTEND_DEADLINE_S = 1800.0
ACTION_DEADLINE_S = 120.0
"""Nova has its action within this time after Cinder shows the new size, or it was never notified."""
PROVING = "the guest has to prove the growth"
READY_STATUSES = frozenset({"ACTIVE", "SHUTOFF", "PAUSED"})


def plan_growth(
    view: ClusterView, instance: WantedInstance, server: CloudServer, volume: CloudVolume
) -> Steps:
    """Return the next steps of a running growth; none when Cinder and Nova have shown it."""
    key = build_action_key(view, ResourceKind.GROWTH, instance.name)
    record = view.records.get(key)
    if record is None:
        if volume.size_gib >= instance.volume.size_gib:
            return _await_earlier_proof(view, instance)
        if view.is_cancelled:
            return _abandon(instance, volume, RefusalCode.REFUSED, "cancelled")
        if volume.status.startswith("error"):
            return _abandon(
                instance, volume, RefusalCode.REFUSED, describe_volume_error(volume, instance.name)
            )
        if volume.status not in {"in-use", "available"}:
            return (await_rest(view, f"volume {volume.id} is {volume.status}"),)
        if server.task_state is not None or server.status not in READY_STATUSES:
            return (await_rest(view, describe_server(server, instance.name)),)
    elif record.phase in UNCERTAIN_PHASES and _has_begun(instance, volume):
        return (NoteRecord(replace(record, phase=ResourcePhase.CREATED, answer=""), volume.status),)
    request = GrowVolume(volume_id=volume.id, size_gib=instance.volume.size_gib)
    if steps := plan_action_request(view, key, server.id, request, {"extend_volume"}):
        return steps
    record = view.records[key]
    if record.phase is ResourcePhase.GONE:
        return ()
    if record.phase.is_refused:
        return _abandon(instance, volume, *parse_refusal(record), record)
    if volume.status == "extending":
        return _await_growth(view, record, volume)
    if volume.size_gib >= instance.volume.size_gib and not volume.status.startswith("error"):
        return _plan_grown(view, record, instance, server, volume)
    return _plan_ungrown(view, record, instance, volume)


def _plan_ungrown(
    view: ClusterView, record: ResourceRecord, instance: WantedInstance, volume: CloudVolume
) -> Steps:
    """Cinder has taken the request, and does not grow the volume (any more): end with its reason, if it gives one.

    Cinder shows `extending` before it answers. So the growth is over, unless a database node is behind.
    """
    messages = view.lookups.messages.get(volume.id, ())
    request_id = get_growth_request_id(record)
    reason = find_failure(messages, request_id)
    has_failed = volume.status.startswith("error")
    if has_failed and not request_id:
        reason = join_messages(messages[-1:])
    text = f"{volume.status} with {volume.size_gib} GiB"
    if reason or has_failed or view.now >= record.intended_at + STALE_READ_S:
        message = f"volume {volume.id} of {instance.name} is {text}: {reason or NO_REASON}"
        return _abandon(instance, volume, choose_failure_code(reason), message, record)
    return (Waiting(f"volume {volume.id} is {text}"),)


def _plan_grown(
    view: ClusterView,
    record: ResourceRecord,
    instance: WantedInstance,
    server: CloudServer,
    volume: CloudVolume,
) -> Steps:
    """Cinder shows the new size. Ask Nova whether the server has it, too."""
    ended = NoteRecord(replace(record, phase=ResourcePhase.GONE), "grown")
    if record.answer == PROVING:
        return _await_proof(view, record, instance, volume)
    if volume.status == "available":
        return (ended,)
    if record.cloud_id is None:
        noted = replace(record, cloud_id=volume.id, intended_at=view.now)
        return (NoteRecord(noted, f"{volume.size_gib} GiB in Cinder"),)
    action = next(
        (each for each in list_newer_actions(view, server.id, record) if each.action == "extend_volume"), None
    )
    if action is not None and action.result == "Success":
        return _begin_proof(view, record, instance) if server.status == "ACTIVE" else (ended,)
    if (action is None or not action.result) and view.now <= record.intended_at + ACTION_DEADLINE_S:
        return (Waiting(f"server {server.id} has not seen the new size of volume {volume.id} yet"),)
    message = (
        f"volume {volume.id} of {instance.name} has {volume.size_gib} GiB, but its server does not see them: "
        f"a hard restart of the instance shows them to it"
    )
    unproved = ChangeInstance(instance.renewed(), "its growth is not proved")
    return (ended, unproved, FailOperation(RefusalCode.ATTENTION, message))


def _begin_proof(view: ClusterView, record: ResourceRecord, instance: WantedInstance) -> Steps:
    """Let the guest prove the new size from now on. Its server has it already."""
    noted = replace(record, answer=PROVING, intended_at=view.now)
    return (NoteRecord(noted, PROVING), ChangeInstance(instance.renewed(), "prove the growth"))


def _await_proof(
    view: ClusterView, record: ResourceRecord, instance: WantedInstance, volume: CloudVolume
) -> Steps:
    """Wait for the bytes of the guest's file system. The growth itself cannot be taken back."""
    ended = NoteRecord(replace(record, phase=ResourcePhase.GONE), "grown")
    missing = find_missing_proof(view, instance, record.intended_at)
    signal = view.find_signal(instance)
    if missing is None and signal is not None and has_file_system_of(signal, instance.volume.size_gib):
        return (ended,)
    if view.is_cancelled:
        return (ended, FailOperation(RefusalCode.REFUSED, "cancelled after the growth"))
    if isinstance(missing, Waiting):
        return (missing,)
    reason = "its file system has an older size" if missing is None else missing.message
    return (ended, FailOperation(RefusalCode.ATTENTION, _describe_unseen_growth(instance, volume, reason)))


def _await_earlier_proof(view: ClusterView, instance: WantedInstance) -> Steps:
    """Wait for the proof of a growth that an earlier order made, and whose guest has not proved it."""
    started_at = 0.0 if view.running is None else view.running.operation.started_at or 0.0
    missing = find_missing_proof(view, instance, started_at)
    return () if missing is None else (missing,)


def _describe_unseen_growth(instance: WantedInstance, volume: CloudVolume, reason: str) -> str:
    return (
        f"volume {volume.id} of {instance.name} has grown to {volume.size_gib} GiB, not seen by the guest: {reason}. "
        f"`guestagent volume show` in the guest tells more; a hard restart shows it the new size, and lets an ext4 grow"
    )


def _has_begun(instance: WantedInstance, volume: CloudVolume) -> bool:
    return volume.status in {"extending", "error_extending"} or volume.size_gib >= instance.volume.size_gib


def _await_growth(view: ClusterView, record: ResourceRecord, volume: CloudVolume) -> Steps:
    if view.now > record.intended_at + EXTEND_DEADLINE_S:
        message = f"volume {volume.id} is extending for half an hour: {RESET_HINT}"
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
