"""What somebody else has changed of a cluster's resources. Only what is at rest is compared. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guestagent.resources.natives.cloud_api import CloudServer, CloudVolume
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.group_rules import build_group_key, build_rule_key
from guestagent.resources.natives.lookups import ACTION_KINDS
from guestagent.resources.natives.marks import Mark, parse_description, parse_metadata
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.wanted import WantedInstance

RESTING_STATUSES = frozenset({"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"})


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `resource` is the kind of what has it, `cloud_id` its id."""

    resource: str
    cloud_id: str
    text: str


def list_instance_drift(view: ClusterView, instance: WantedInstance) -> tuple[Drift, ...]:
    """Return what differs from what we have made of a wanted instance."""
    server = _find_created(view, ResourceKind.SERVER, instance.name)
    is_moving = any(
        record.key.kind in ACTION_KINDS and record.key.instance == instance.name
        for record in view.records.values()
    )
    cloud_server = None if server is None else view.get_server(server.cloud_id or "")
    is_resting = cloud_server is not None and (
        cloud_server.status in RESTING_STATUSES and cloud_server.task_state is None and not is_moving
    )
    resting_server = cloud_server if is_resting else None
    return (
        *_list_server_drift(view, instance, resting_server),
        *_list_volume_drift(view, instance, resting_server),
        *_list_port_drift(view, instance, resting_server),
    )


def list_group_drift(view: ClusterView, name: str) -> tuple[Drift, ...]:
    """Return what differs from what we have made of a wanted group: rules that are gone, marks that were removed."""
    record = view.records.get(build_group_key(view.wanted.name, name))
    if record is None or record.phase is not ResourcePhase.CREATED or record.cloud_id is None:
        return ()
    group = view.observed.groups.get(record.cloud_id)
    if group is None:
        return (Drift("group", record.cloud_id, f"security group {record.cloud_id} is gone"),)
    present = set(group.rules.values())
    missing = [
        rule
        for rule in sorted(view.wanted.list_rules(name), key=lambda each: each.key)
        if rule not in present and _is_created(view.records.get(build_rule_key(view.wanted.name, name, rule)))
    ]
    drift = [Drift("group", group.id, f"rule {rule.key} of group {name} was deleted") for rule in missing]
    if not _is_mark(view, record, parse_description(group.description)):
        drift.append(Drift("group", group.id, f"the mark of security group {group.id} was removed"))
    return tuple(drift)


def list_foreign_rules(view: ClusterView, name: str) -> dict[str, str]:
    """Return the rules in a group of ours that are not ours, each as a text, by their ids."""
    record = view.records.get(build_group_key(view.wanted.name, name))
    group = None if record is None else view.observed.groups.get(record.cloud_id or "")
    if group is None:
        return {}
    own = view.wanted.list_rules(name) if name in view.wanted.groups else frozenset()
    foreign = {
        rule_id: rule.key
        for rule_id, rule in group.rules.items()
        if rule not in own and build_rule_key(view.wanted.name, name, rule) not in view.records
    }
    return foreign | dict.fromkeys(group.foreign_rules, "a rule that no order can express")


def _list_server_drift(
    view: ClusterView, instance: WantedInstance, server: CloudServer | None
) -> Iterator[Drift]:
    record = _find_created(view, ResourceKind.SERVER, instance.name)
    if server is None or record is None:
        return
    flavor = view.get_flavor_name(instance)
    if server.flavor and server.flavor not in {flavor, instance.previous_flavor}:
        text = f"server {server.id} has flavor {server.flavor} instead of {flavor}"
        yield Drift("server", server.id, text)
    if not _is_mark(view, record, parse_metadata(server.metadata)):
        yield Drift("server", server.id, f"the marks of server {server.id} were removed")


def _list_volume_drift(
    view: ClusterView, instance: WantedInstance, server: CloudServer | None
) -> Iterator[Drift]:
    record = _find_created(view, ResourceKind.VOLUME, instance.name)
    volume = None if record is None else view.get_volume(record.cloud_id or "")
    if record is None or volume is None:
        return
    if not _is_mark(view, record, parse_metadata(volume.metadata)):
        yield Drift("volume", volume.id, f"the marks of volume {volume.id} were removed")
    if server is not None and record.was_used and not _is_attached(view, volume, server):
        yield Drift("volume", volume.id, f"volume {volume.id} is not attached to server {server.id}")
    if server is not None and volume.size_gib > instance.volume.size_gib:
        text = f"volume {volume.id} has {volume.size_gib} GiB instead of {instance.volume.size_gib}"
        yield Drift("volume", volume.id, text)


def _list_port_drift(
    view: ClusterView, instance: WantedInstance, server: CloudServer | None
) -> Iterator[Drift]:
    record = _find_created(view, ResourceKind.PORT, instance.name)
    if record is None or record.cloud_id is None:
        return
    port = view.get_port(record.cloud_id)
    if port is None:
        if view.is_gone(record):
            yield Drift("port", record.cloud_id, f"port {record.cloud_id} is gone, and its address with it")
        return
    if not _is_mark(view, record, parse_description(port.description)):
        yield Drift("port", port.id, f"the mark of port {port.id} was removed")
    if server is not None and record.was_used and port.device_id != server.id:
        yield Drift("port", port.id, f"port {port.id} is not at server {server.id}")
    for name in sorted(view.wanted.groups):
        group = view.records.get(build_group_key(view.wanted.name, name))
        if _is_created(group) and group is not None and group.cloud_id not in port.groups and record.was_used:
            yield Drift("port", port.id, f"port {port.id} does not have group {name}")


def _find_created(view: ClusterView, kind: ResourceKind, instance: str) -> ResourceRecord | None:
    record = view.find_record(kind, instance)
    return record if _is_created(record) else None


def _is_created(record: ResourceRecord | None) -> bool:
    return record is not None and record.phase is ResourcePhase.CREATED


def _is_mark(view: ClusterView, record: ResourceRecord, mark: Mark | None) -> bool:
    return mark == view.build_mark(record.key)


def _is_attached(view: ClusterView, volume: CloudVolume, server: CloudServer) -> bool:
    return any(each.server_id == server.id for each in view.list_attachments(volume.id))
