"""The end of an instance: its server until 404, its volume's attachments, its port, its volume by the order's word.

Pure. An absent server is one whose id is a 404; one whose creation was never answered is looked for first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.resources.natives.cluster_view import UNCERTAIN_PHASES, ClusterView
from guestagent.resources.natives.deletion_requests import await_deletion, is_request_recent, mark_deletion
from guestagent.resources.natives.presence import LOST_ANSWER_PAUSE_S, note_presence, was_never_created
from guestagent.resources.natives.request_words import describe_record
from guestagent.resources.natives.requests import DeleteAttachment, DeletePort, DeleteServer
from guestagent.resources.natives.server_creation import await_earlier_requests, find_server, find_twin
from guestagent.resources.natives.steps import (
    ForgetRecord,
    NeedAttention,
    NoteRecord,
    SendRequest,
    Step,
    Steps,
    Waiting,
)
from guestagent.resources.natives.volume_deletion import plan_volume_deletion
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import DeleteCluster, DeleteInstance, VolumeFate
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.wanted import REPLICA_PREFIX

INSTANCE_KINDS = (ResourceKind.SERVER, ResourceKind.PORT, ResourceKind.VOLUME)


def list_leaving_instances(view: ClusterView) -> list[str]:
    """Return the names of instances that have records and are not wanted any more."""
    names = {record.key.instance for record in view.records.values()} - {""}
    return sorted(names - {instance.name for instance in view.wanted})


def list_next_removals(view: ClusterView) -> list[str]:
    """Return the instances that can be removed now: of a whole cluster the replicas before their source."""
    leaving = list_leaving_instances(view)
    return [name for name in leaving if name.startswith(REPLICA_PREFIX)] or leaving


def choose_volume_fate(view: ClusterView, instance: str) -> VolumeFate | None:
    """Return what the running order says about the instance's volumes; None if it says nothing."""
    order = view.order
    if isinstance(order, DeleteCluster):
        return order.volumes
    if isinstance(order, DeleteInstance) and order.instance == instance:
        return order.volume
    return None


def plan_removal(view: ClusterView, instance: str) -> Steps:
    """Return the next steps to the end of an instance; none when no record of it is left."""
    records = {kind: view.list_records(kind, instance) for kind in INSTANCE_KINDS}
    for stage in (_plan_servers, _plan_attachments, _plan_ports, _plan_volumes):
        if steps := tuple(stage(view, instance, records)):
            return steps
    rest = (each.key for each in view.records.values() if each.key.instance == instance)
    return tuple(ForgetRecord(key) for key in rest)


def plan_server_removal(view: ClusterView, record: ResourceRecord) -> Steps:
    """Return the next step to the end of one server; none when it is gone."""
    if record.phase is ResourcePhase.GONE:
        return find_twin(view, record)
    if record.phase in UNCERTAIN_PHASES:
        return _plan_uncertain(view, record)
    if view.is_gone(record):
        return (NoteRecord(replace(record, phase=ResourcePhase.GONE), "404"),)
    server = view.get_server(record.cloud_id or "")
    if server is None or server.task_state == "deleting" or is_request_recent(view, record):
        return (await_deletion(record),)
    if waiting := await_earlier_requests(view, record):
        return (waiting,)
    return (SendRequest(mark_deletion(view, record), DeleteServer(server_id=server.id)),)


Records = dict[ResourceKind, list[ResourceRecord]]


def _plan_servers(view: ClusterView, instance: str, records: Records) -> Iterator[Step]:
    for record in records[ResourceKind.SERVER]:
        yield from plan_server_removal(view, record)


def _plan_uncertain(view: ClusterView, record: ResourceRecord) -> Steps:
    """Look for what a request without an answer may have created."""
    volumes = view.list_records(ResourceKind.VOLUME, record.key.instance)
    if record.key.kind is ResourceKind.SERVER:
        for volume_record in volumes:
            volume = view.get_volume(volume_record.cloud_id or "")
            if (steps := find_server(view, record, volume)) is not None:
                return steps
    elif cloud_id := view.find_marked(record.key):
        return (note_presence(view, record.key, cloud_id),)
    if was_never_created(view, record):
        return (NoteRecord(replace(record, phase=ResourcePhase.GONE), "never created"),)
    return (Waiting(_describe_uncertainty(record), LOST_ANSWER_PAUSE_S),)


def _describe_uncertainty(record: ResourceRecord) -> str:
    name = describe_record(record.key)
    if record.phase.is_refused:
        return f"{name} was refused, and is looked for until the settle time is over"
    return f"the answer about {name} is lost"


def _plan_attachments(view: ClusterView, instance: str, records: Records) -> Iterator[Step]:
    """No server of ours is left, so nothing should hold the volume. A reservation alone can be taken back."""
    for record in records[ResourceKind.VOLUME]:
        for attachment in view.list_attachments(record.cloud_id or ""):
            server = view.get_server(attachment.server_id)
            text = f"volume {record.cloud_id} of {instance} is {attachment.status} for server {attachment.server_id}"
            own_ids = {each.cloud_id for each in records[ResourceKind.SERVER]}
            if server is not None and server.id not in own_ids:
                yield NeedAttention(RefusalCode.ATTENTION, f"{text}, which is not the instance's")
            elif server is None and attachment.status == "reserved" and _is_reservation_old(view, records):
                request = DeleteAttachment(attachment_id=attachment.id)
                yield SendRequest(replace(record, intended_at=view.now), request)
            else:
                yield Waiting(text)


def _is_reservation_old(view: ClusterView, records: Records) -> bool:
    """Return whether no request for a server can be under way any more."""
    requested = [record.intended_at for record in records[ResourceKind.SERVER]]
    return view.now >= max(requested, default=0.0) + view.settle_s


def _plan_ports(view: ClusterView, instance: str, records: Records) -> Iterator[Step]:
    for record in records[ResourceKind.PORT]:
        if record.phase is ResourcePhase.GONE:
            continue
        if record.phase in UNCERTAIN_PHASES:
            yield from _plan_uncertain(view, record)
        elif is_request_recent(view, record):
            yield await_deletion(record)
        else:
            request = DeletePort(port_id=record.cloud_id or "")
            yield SendRequest(mark_deletion(view, record), request, forgets=True)


def _plan_volumes(view: ClusterView, instance: str, records: Records) -> Iterator[Step]:
    for record in records[ResourceKind.VOLUME]:
        if record.phase is ResourcePhase.GONE:
            continue
        if record.phase in UNCERTAIN_PHASES:
            yield from _plan_uncertain(view, record)
        else:
            yield from plan_volume_deletion(view, record, choose_volume_fate(view, instance))
