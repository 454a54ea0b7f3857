"""The server of an instance: created with its volume, found again after a lost answer, replaced if it never worked.

Pure. While one server has the volume, Cinder refuses it to another: the volume's attachment tells what became of a
request without an answer.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import VOLUME_KEY, VolumeDeclaration, format_volume_declaration
from guestagent.resources.natives.absence import SERVER_SETTLE_S
from guestagent.resources.natives.cloud_api import CloudPort, CloudServer, CloudVolume
from guestagent.resources.natives.cluster_view import UNCERTAIN_PHASES, ClusterView
from guestagent.resources.natives.deletion_requests import (
    get_deletion_reason,
    is_deletion_requested,
    is_request_recent,
    mark_deletion,
)
from guestagent.resources.natives.instance_facts import build_facts
from guestagent.resources.natives.marks import build_metadata, build_name, build_tags, parse_metadata
from guestagent.resources.natives.presence import (
    LOST_ANSWER_PAUSE_S,
    build_intent,
    can_retry,
    choose_advice,
    is_absent,
    note_presence,
    report_refusal,
)
from guestagent.resources.natives.provisioning import count_failures, count_tries
from guestagent.resources.natives.request_words import RESET_HINT, describe_record, describe_server
from guestagent.resources.natives.requests import CreateServer, DeleteAttachment, DeleteServer
from guestagent.resources.natives.server_group import (
    choose_server_group,
    is_group_full,
    is_server_group_pending,
)
from guestagent.resources.natives.steps import (
    ChangeInstance,
    NeedAttention,
    NoteRecord,
    SendRequest,
    Steps,
    Waiting,
)
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.volume_proof import is_volume_proved
from guestagent.resources.wanted import WantedInstance

BUILD_DEADLINE_S = 1800.0
SERVER_LIMIT = 3
"""Servers in ERROR that an operation deletes and creates again before it asks for attention."""


def plan_server(
    view: ClusterView, instance: WantedInstance, volume: CloudVolume, port: CloudPort
) -> tuple[Steps, CloudServer | None]:
    """Return the steps to the instance's server of the present epoch, or the server once it is built."""
    key = ResourceKey(view.wanted.name, ResourceKind.SERVER, instance.name, epoch=instance.epoch)
    record = view.records.get(key)
    if record is None:
        return plan_first_request(view, key, instance, volume, port), None
    if record.phase in UNCERTAIN_PHASES:
        return plan_lost_answer(view, record, instance, volume, port), None
    if record.phase is ResourcePhase.GONE:
        return find_twin(view, record) or plan_next_server(view, record, instance), None
    if view.is_gone(record):
        if record.was_used:
            message = f"server {record.cloud_id} of {instance.name} is gone: replace the instance"
            return (NeedAttention(RefusalCode.ATTENTION, message),), None
        return (NoteRecord(replace(record, phase=ResourcePhase.GONE), "404"),), None
    server = view.get_server(record.cloud_id or "")
    if server is None:
        return (Waiting(f"the server of {instance.name} is not listed"),), None
    if server.status == "DELETED":
        return (Waiting(f"server {server.id} of {instance.name} is being deleted"),), None
    if server.status == "BUILD":
        return (_await_build(view, record, server),), None
    if server.status == "ERROR" and not record.was_used:
        return plan_broken_server(view, record, server), None
    return (), server


def plan_first_request(
    view: ClusterView, key: ResourceKey, instance: WantedInstance, volume: CloudVolume, port: CloudPort
) -> Steps:
    """Create the server, unless it is there already: the store may be older than the cloud."""
    if cloud_id := view.find_marked(key):
        return (note_presence(view, key, cloud_id),)
    holders = [each.server_id for each in view.list_attachments(volume.id)]
    if volume.status != "available" or holders:
        text = f"volume {volume.id} of {instance.name} is {volume.status} for {', '.join(holders) or 'no server'}"
        if any(view.get_server(holder) for holder in holders):
            return (NeedAttention(RefusalCode.ATTENTION, f"{text}, which is not the instance's"),)
        started_at = None if view.running is None else view.running.operation.started_at
        if started_at is not None and view.now > started_at + BUILD_DEADLINE_S:
            text += f": {RESET_HINT}"
            return (NeedAttention(RefusalCode.DEADLINE, text, choose_advice(view)),)
        return (Waiting(text),)
    if view.find_signal(instance) is not None:
        return (ChangeInstance(instance.renewed(), "its signal came from an earlier server"),)
    if port.device_id:
        return (Waiting(f"port {port.id} of {instance.name} is still in use by {port.device_id}"),)
    if is_server_group_pending(view):
        return (Waiting(f"the server of {instance.name} waits for the server group"),)
    return (_build_request(view, key, instance, volume, port),)


def plan_lost_answer(
    view: ClusterView, record: ResourceRecord, instance: WantedInstance, volume: CloudVolume, port: CloudPort
) -> Steps:
    """Find out what became of a request without an answer, or with a refusal that another server may have caused."""
    if (steps := find_server(view, record, volume)) is not None:
        return steps
    if is_group_full(record):
        return plan_first_request(view, record.key, instance, volume, port)
    if record.phase.is_refused and not can_retry(view, record):
        return (report_refusal(view, record),)
    if can_retry(view, record) or is_absent(view, record, SERVER_SETTLE_S):
        return plan_first_request(view, record.key, instance, volume, port)
    return (Waiting(f"the answer about {describe_record(record.key)} is lost", LOST_ANSWER_PAUSE_S),)


def find_server(view: ClusterView, record: ResourceRecord, volume: CloudVolume | None) -> Steps | None:
    """Return the steps for the server that an uncertain record stands for; None if there is no sign of one."""
    for attachment in () if volume is None else view.list_attachments(volume.id):
        server = view.get_server(attachment.server_id)
        if server is not None:
            mark = parse_metadata(server.metadata)
            if mark == view.build_mark(record.key):
                return (note_presence(view, record.key, server.id),)
            text = f"volume {attachment.volume_id} of {record.key.instance} is {attachment.status} for {server.id}"
            if mark is not None and mark.key.instance == record.key.instance:
                return (Waiting(text),)
            return (NeedAttention(RefusalCode.ATTENTION, f"{text}, which is not the instance's"),)
        if attachment.status == "reserved" and is_absent(view, record, view.settle_s):
            request = DeleteAttachment(attachment_id=attachment.id)
            return (SendRequest(replace(record, phase=ResourcePhase.INTENDED), request),)
        if record.phase.is_refused:
            intended = replace(record, phase=ResourcePhase.INTENDED, intended_at=view.now)
            return (NoteRecord(intended, "its volume is reserved by an earlier request"),)
        return (
            Waiting(f"volume {attachment.volume_id} is {attachment.status} for a server that is not there"),
        )
    if cloud_id := view.find_marked(record.key):
        return (note_presence(view, record.key, cloud_id),)
    return None


def plan_broken_server(view: ClusterView, record: ResourceRecord, server: CloudServer) -> Steps:
    """Delete a server in ERROR that never worked. Its volume and port stay for the next one."""
    name = f"server {server.id} of {record.key.instance}"
    fault = server.fault or "Nova gives no reason"
    if server.task_state == "deleting" or is_request_recent(view, record):
        return (Waiting(f"{name} is being deleted: {fault}"),)
    if waiting := await_earlier_requests(view, record):
        return (waiting,)
    failures = count_failures(view, ResourceKind.SERVER, record.key.instance)
    if failures + 1 >= count_tries(view, SERVER_LIMIT):
        code = RefusalCode.NO_CAPACITY if "No valid host" in fault else RefusalCode.REFUSED
        return (NeedAttention(code, f"{name} is in ERROR: {fault}", choose_advice(view)),)
    return (SendRequest(mark_deletion(view, record, fault), DeleteServer(server_id=server.id)),)


def await_earlier_requests(view: ClusterView, record: ResourceRecord) -> Waiting | None:
    """Wait before a server is deleted whose first request was lost: it may still take effect, and take the volume."""
    if (
        record.attempts == 1
        or is_deletion_requested(record)
        or view.now >= record.intended_at + view.settle_s
    ):
        return None
    return Waiting(f"an earlier request for a server of {record.key.instance} may still take effect")


def find_twin(view: ClusterView, record: ResourceRecord) -> Steps:
    """Note the server that an earlier request has created in place of one that is gone."""
    twins = [each for each in view.marked.get(record.key, ()) if each != record.cloud_id]
    return (note_presence(view, record.key, twins[0]),) if twins else ()


def plan_next_server(view: ClusterView, record: ResourceRecord, instance: WantedInstance) -> Steps:
    """Begin the next epoch after a server that was deleted before it had worked."""
    if record.was_used:
        message = f"server {record.cloud_id} of {instance.name} is gone: replace the instance"
        return (NeedAttention(RefusalCode.ATTENTION, message),)
    reason = get_deletion_reason(record) or "it disappeared"
    if count_failures(view, ResourceKind.SERVER, instance.name) >= count_tries(view, SERVER_LIMIT):
        message = f"no server for {instance.name}: {reason}"
        return (NeedAttention(RefusalCode.NO_CAPACITY, message, choose_advice(view)),)
    return (
        ChangeInstance(replace(instance.renewed(), epoch=instance.epoch + 1), f"another server: {reason}"),
    )


def _await_build(view: ClusterView, record: ResourceRecord, server: CloudServer) -> Waiting | NeedAttention:
    text = describe_server(server, record.key.instance)
    if view.now > record.intended_at + BUILD_DEADLINE_S:
        return NeedAttention(RefusalCode.DEADLINE, text, "cancel deletes it")
    return Waiting(text)


def _build_request(
    view: ClusterView, key: ResourceKey, instance: WantedInstance, volume: CloudVolume, port: CloudPort
) -> SendRequest:
    mark = view.build_mark(key)
    request = CreateServer(
        name=build_name(key),
        flavor=instance.flavor,
        image=instance.image,
        port_id=port.id,
        volume_id=volume.id,
        zone=instance.zone,
        key_pair=view.wanted.key_pair,
        server_group=choose_server_group(view, view.records.get(key)),
        metadata=build_metadata(mark)
        | build_facts(view.wanted, instance)
        | {VOLUME_KEY: _declare_volume(view, instance, volume)},
        tags=build_tags(mark),
    )
    return SendRequest(build_intent(view, key), request, is_creation=True)


def _declare_volume(view: ClusterView, instance: WantedInstance, volume: CloudVolume) -> str:
    """Return what the node has to know of its data volume before its database server starts."""
    record = view.find_record(ResourceKind.VOLUME, instance.name)
    is_new = record is None or not is_volume_proved(view.signals, instance, record)
    data_volume = DataVolume(volume.id, volume.size_gib, is_new=is_new)
    return format_volume_declaration(VolumeDeclaration(data_volume, view.wanted.name, instance.name))
