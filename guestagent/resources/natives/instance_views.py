"""Instances and security groups of a cluster as a caller is shown them. Pure."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.drift import list_foreign_rules, list_group_drift, list_instance_drift
from guestagent.resources.natives.group_rules import build_group_key
from guestagent.resources.natives.instance_state import choose_state
from guestagent.resources.natives.removing import list_leaving_instances
from guestagent.resources.natives.round_plan import list_notices, plan_parts
from guestagent.resources.natives.signal_evidence import read_evidence, read_guest_volume_gib
from guestagent.resources.natives.steps import NeedAttention, Steps
from guestagent.resources.store.records import ResourceKind
from guestagent.resources.views import GroupView, InstanceState, InstanceView
from guestagent.resources.wanted import WantedInstance

SOURCE_ROLE, REPLICA_ROLE = "source", "replica"
SOURCE_PREFIX = "Master"


def build_instance_views(view: ClusterView) -> tuple[InstanceView, ...]:
    """Return the instances that are wanted, and those that are being deleted."""
    parts = plan_parts(view)
    notices = [step.message for step in list_notices(view) if isinstance(step, NeedAttention)]
    wanted = [
        _build_wanted(view, instance, parts.get(instance.name, ()), notices) for instance in view.wanted
    ]
    leaving = [_build_leaving(view, name, parts.get(name, ())) for name in list_leaving_instances(view)]
    return (*wanted, *leaving)


def build_group_views(view: ClusterView) -> tuple[GroupView, ...]:
    """Return the wanted groups by name."""
    return tuple(_build_group(view, name) for name in sorted(view.wanted.groups))


def _build_wanted(
    view: ClusterView, instance: WantedInstance, steps: Steps, notices: list[str]
) -> InstanceView:
    state, detail = choose_state(view, instance, steps)
    parts = _build_parts(view, instance.name)
    notice = next((each for each in notices if parts.volume_id and parts.volume_id in each), "")
    if notice and state is InstanceState.READY:
        state, detail = InstanceState.ATTENTION, notice
    signals = [each for each in view.signals if each.instance == instance.name]
    evidence = read_evidence(max(signals, key=lambda each: each.generation, default=None))
    return replace(
        parts,
        role=SOURCE_ROLE if instance.is_source else REPLICA_ROLE,
        state=state,
        detail=detail,
        wanted_flavor=view.get_flavor_name(instance),
        wanted_volume_gib=instance.volume.size_gib,
        guest_volume_gib=read_guest_volume_gib(evidence),
        generation=instance.generation,
        proved_generation=max((each.generation for each in signals if each.is_success), default=None),
        evidence=evidence,
        drift=tuple(each.text for each in list_instance_drift(view, instance)),
    )


def _build_leaving(view: ClusterView, name: str, steps: Steps) -> InstanceView:
    """Return an instance that is being deleted. What was wanted of it is not known any more."""
    attention = [step.message for step in steps if isinstance(step, NeedAttention)]
    state = InstanceState.ATTENTION if attention else InstanceState.DELETING
    return replace(_build_parts(view, name), state=state, detail="; ".join(attention))


def _build_parts(view: ClusterView, name: str) -> InstanceView:
    """Return the ids and sizes of an instance's newest server, volume and port."""
    server, volume, port = (
        view.find_record(kind, name) for kind in (ResourceKind.SERVER, ResourceKind.VOLUME, ResourceKind.PORT)
    )
    server_id, volume_id, port_id = (
        "" if record is None else record.cloud_id or "" for record in (server, volume, port)
    )
    cloud_server, cloud_volume = view.get_server(server_id), view.get_volume(volume_id)
    cloud_port = view.get_port(port_id)
    recorded = (port.address,) if port is not None and port.address else ()
    return InstanceView(
        cluster=view.wanted.name,
        name=name,
        role=SOURCE_ROLE if name.startswith(SOURCE_PREFIX) else REPLICA_ROLE,
        state=InstanceState.NEW,
        server_id=server_id,
        volume_id=volume_id,
        port_id=port_id,
        addresses=recorded if cloud_port is None else cloud_port.addresses,
        flavor="" if cloud_server is None else cloud_server.flavor,
        volume_gib=None if cloud_volume is None else cloud_volume.size_gib,
    )


def _build_group(view: ClusterView, name: str) -> GroupView:
    record = view.records.get(build_group_key(view.wanted.name, name))
    group_id = "" if record is None else record.cloud_id or ""
    group = view.observed.groups.get(group_id)
    foreign = sorted(list_foreign_rules(view, name).items())
    drift = [each.text for each in list_group_drift(view, name)]
    return GroupView(
        cluster=view.wanted.name,
        name=name,
        id=group_id,
        wanted_rules=tuple(sorted(view.wanted.list_rules(name), key=lambda rule: rule.key)),
        rules=() if group is None else tuple(sorted(group.rules.values(), key=lambda rule: rule.key)),
        drift=(*drift, *(f"rule {rule_id} is not ours: {text}" for rule_id, text in foreign)),
    )
