"""An instance from nothing to a running server: volume, then port, then the server with the volume in its own request.

Pure.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudPort, CloudVolume
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.deletion_requests import get_deletion_reason
from guestagent.resources.natives.marks import build_description, build_metadata, build_name
from guestagent.resources.natives.presence import choose_advice, plan_presence
from guestagent.resources.natives.requests import CreatePort, CreateVolume
from guestagent.resources.natives.seed_plan import can_replace_volume
from guestagent.resources.natives.steps import NeedAttention, NoteRecord, Steps, Waiting
from guestagent.resources.natives.volume_deletion import plan_volume_deletion
from guestagent.resources.natives.volume_messages import join_messages
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import ReplaceInstance
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.wanted import WantedInstance

VOLUME_DEADLINE_S = 1800.0
VOLUME_LIMIT = 2
"""Volumes in status error that an operation deletes and creates again before it asks for attention."""
USABLE_STATUSES = frozenset({"available", "reserved", "attaching", "in-use", "detaching", "extending"})


def choose_key(view: ClusterView, kind: ResourceKind, instance: str) -> ResourceKey:
    """Return the key of the instance's volume or port: the next epoch after one that is gone."""
    record = view.find_record(kind, instance)
    if record is None:
        return ResourceKey(view.wanted.name, kind, instance)
    return replace(record.key, epoch=record.key.epoch + (record.phase is ResourcePhase.GONE))


def plan_volume(view: ClusterView, instance: WantedInstance) -> tuple[Steps, CloudVolume | None]:
    """Return the steps to the instance's volume, or the volume once it can be used."""
    last = view.find_record(ResourceKind.VOLUME, instance.name)
    if (
        last is not None
        and last.phase is ResourcePhase.GONE
        and (problem := _find_volume_problem(view, last, instance))
    ):
        return (problem,), None
    key = choose_key(view, ResourceKind.VOLUME, instance.name)
    if steps := plan_presence(view, key, lambda: _build_volume_request(view, key, instance)):
        return steps, None
    record = view.records[key]
    if view.is_gone(record):
        return (NoteRecord(replace(record, phase=ResourcePhase.GONE), "404"),), None
    volume = view.get_volume(record.cloud_id or "")
    if volume is None:
        return (Waiting(f"the volume of {instance.name} is not listed"),), None
    if volume.is_multiattach:
        message = f"volume {volume.id} of {instance.name} can be attached twice: use a volume type without multiattach"
        return (NeedAttention(RefusalCode.UNSUPPORTED, message),), None
    if volume.status in USABLE_STATUSES:
        return (), volume
    if volume.status in {"creating", "deleting"}:
        return (_await_volume(view, record, volume),), None
    if record.was_used or volume.status != "error":
        return (
            ((), volume)
            if volume.status.startswith("error_ext")
            else ((_report_volume(volume, instance),), None)
        )
    reason = join_messages(view.lookups.messages.get(volume.id, ())) or "the volume is in status error"
    return plan_volume_deletion(view, record, None, reason), None


def plan_port(
    view: ClusterView, instance: WantedInstance, groups: tuple[str, ...]
) -> tuple[Steps, CloudPort | None]:
    """Return the steps to the instance's port, or the port."""
    key = choose_key(view, ResourceKind.PORT, instance.name)
    request = CreatePort(
        name=build_name(key),
        description=build_description(view.build_mark(key)),
        network=view.wanted.network,
        subnet=view.wanted.subnet,
        groups=groups,
    )
    if steps := plan_presence(view, key, lambda: request):
        return steps, None
    record = view.records[key]
    if view.is_gone(record):
        is_replacement = isinstance(view.order, ReplaceInstance) and view.order.instance == instance.name
        if record.was_used and not is_replacement:
            message = f"the port of {instance.name} is gone, and its address with it: replace the instance"
            return (NeedAttention(RefusalCode.ATTENTION, message),), None
        return (NoteRecord(replace(record, phase=ResourcePhase.GONE), "404"),), None
    port = view.get_port(record.cloud_id or "")
    if port is not None and port.addresses and record.address != port.addresses[0]:
        return (NoteRecord(replace(record, address=port.addresses[0]), "its address"),), None
    return ((), port) if port else ((Waiting(f"the port of {instance.name} is not listed"),), None)


def count_failures(view: ClusterView, kind: ResourceKind, instance: str) -> int:
    """Return how many of the instance's resources the running operation has lost before they were used."""
    return sum(
        record.phase is ResourcePhase.GONE
        and not record.was_used
        and record.operation_id == view.operation_id
        for record in view.list_records(kind, instance)
    )


def count_tries(view: ClusterView, limit: int) -> int:
    """Return how often the running operation may try, with the retries that were asked for. Without one: never."""
    return 0 if view.running is None else limit * (1 + view.running.retries)


def _find_volume_problem(
    view: ClusterView, record: ResourceRecord, instance: WantedInstance
) -> NeedAttention | None:
    """Return why no other volume is created in place of one that is gone."""
    name = record.key.instance
    if record.was_used:
        if can_replace_volume(view, instance):
            return None
        message = f"data volume {record.cloud_id} of {name} is gone"
        return NeedAttention(
            RefusalCode.ATTENTION, message, "" if instance.is_source else "replace the instance"
        )
    if count_failures(view, ResourceKind.VOLUME, name) < count_tries(view, VOLUME_LIMIT):
        return None
    reason = get_deletion_reason(record) or "it disappeared"
    return NeedAttention(RefusalCode.NO_CAPACITY, f"no volume for {name}: {reason}", choose_advice(view))


def _build_volume_request(view: ClusterView, key: ResourceKey, instance: WantedInstance) -> CreateVolume:
    return CreateVolume(
        name=build_name(key),
        size_gib=instance.volume.size_gib,
        volume_type=instance.volume.volume_type,
        zone=instance.zone,
        metadata=build_metadata(view.build_mark(key)),
    )


def _await_volume(view: ClusterView, record: ResourceRecord, volume: CloudVolume) -> Waiting | NeedAttention:
    name = f"volume {volume.id} of {record.key.instance}"
    if view.now > record.intended_at + VOLUME_DEADLINE_S:
        return NeedAttention(RefusalCode.DEADLINE, f"{name} is still {volume.status}")
    return Waiting(f"{name} is {volume.status}")


def _report_volume(volume: CloudVolume, instance: WantedInstance) -> NeedAttention:
    return NeedAttention(
        RefusalCode.ATTENTION, f"data volume {volume.id} of {instance.name} is {volume.status}"
    )
