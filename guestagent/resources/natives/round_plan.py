"""The decisions of one round: what to write down, what to send, and whether the running operation has ended. Pure.

The steps come in parts: the security groups, and each instance. An operation ends by the parts that it concerns, so
that a broken instance does not hold up the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from guestagent.resources.natives.cloud_api import CloudVolume
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.deletion_requests import is_deletion_requested
from guestagent.resources.natives.ending import GROUPS_PART, list_endings
from guestagent.resources.natives.group_membership import (
    find_group_ids,
    forget_rules_without_group,
    list_leaving_groups,
    plan_group_deletion,
    plan_port_groups,
)
from guestagent.resources.natives.group_rules import forget_absent_rules, plan_group
from guestagent.resources.natives.growing import plan_growth
from guestagent.resources.natives.provisioning import plan_port, plan_volume
from guestagent.resources.natives.removing import (
    list_leaving_instances,
    list_next_removals,
    plan_removal,
    plan_server_removal,
)
from guestagent.resources.natives.request_words import RESET_HINT
from guestagent.resources.natives.resizing import plan_move
from guestagent.resources.natives.restarting import plan_restart
from guestagent.resources.natives.rotating import ROTATION_PART, plan_rotation
from guestagent.resources.natives.seed_plan import plan_instance_seed
from guestagent.resources.natives.server_creation import plan_server
from guestagent.resources.natives.server_group import plan_server_group
from guestagent.resources.natives.steps import (
    ChangeInstance,
    DropInstance,
    EndOperation,
    NeedAttention,
    Steps,
    Waiting,
)
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    MigrateInstance,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
)
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.wanted import WantedCluster, WantedInstance

INCOMPLETE_PAUSE_S = 10.0
NOTICES_PART = "notices"


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """The steps by part, and what ends the running operation (no step: it goes on)."""

    parts: Mapping[str, Steps]
    endings: Steps = ()

    @property
    def steps(self) -> Steps:
        return (*(step for part in self.parts.values() for step in part), *self.endings)


def plan_round(view: ClusterView) -> RoundPlan:
    """Decide one round. Nothing is decided from an incomplete observation."""
    if not view.observed.is_complete:
        waiting = Waiting("a part of Nova does not answer, so its lists are incomplete", INCOMPLETE_PAUSE_S)
        return RoundPlan({}, (waiting,))
    if not view.is_cancelled or not isinstance(view.order, CreateCluster | AddInstance):
        return _plan_wanted(view)
    plan = _plan_wanted(view)
    is_removal_begun = any(is_deletion_requested(record) for record in view.records.values())
    if not is_removal_begun and EndOperation(OperationState.DONE) in plan.endings:
        return plan
    return _plan_cancellation(view)


def _plan_wanted(view: ClusterView) -> RoundPlan:
    parts = plan_parts(view)
    return RoundPlan(parts, list_endings(view, parts))


def _plan_cancellation(view: ClusterView) -> RoundPlan:
    """Take back what the running creation has made: of the whole cluster, or the instance that it added."""
    if isinstance(view.order, CreateCluster):
        parts = plan_parts(replace(view, wanted=replace(view.wanted, instances=(), groups={})))
        is_over = not any(parts.values()) and not view.records
        return RoundPlan(parts, (EndOperation(OperationState.CANCELLED, is_removal=True),) if is_over else ())
    added = view.wanted.instances[-1].name
    parts = plan_parts(replace(view, wanted=drop_instance(view.wanted, added)))
    is_over = not parts.get(added) and all(record.key.instance != added for record in view.records.values())
    return RoundPlan(parts, (DropInstance(added), EndOperation(OperationState.CANCELLED)) if is_over else ())


def drop_instance(wanted: WantedCluster, name: str) -> WantedCluster:
    """Return the cluster without an instance."""
    return replace(wanted, instances=tuple(each for each in wanted if each.name != name))


def plan_parts(view: ClusterView) -> dict[str, Steps]:
    """Return the next steps of the groups and of each instance."""
    parts = {instance.name: plan_instance(view, instance) for instance in view.wanted}
    parts |= {name: plan_removal(view, name) for name in list_next_removals(view)}
    return {
        GROUPS_PART: plan_groups(view),
        **parts,
        ROTATION_PART: plan_rotation(view),
        NOTICES_PART: (*list_notices(view), *forget_absent_rules(view)),
    }


def list_notices(view: ClusterView) -> Steps:
    """Return what people should know although it holds up no operation."""
    return tuple(
        NeedAttention(RefusalCode.ATTENTION, text)
        for instance in view.wanted
        for record in view.list_records(ResourceKind.VOLUME, instance.name)
        if (volume := view.get_volume(record.cloud_id or ""))
        and (text := _find_volume_notice(view, instance, record, volume))
    )


def _find_volume_notice(
    view: ClusterView, instance: WantedInstance, record: ResourceRecord, volume: CloudVolume
) -> str:
    """Return what people should know about a data volume; "" if it is as it should be."""
    name = f"volume {volume.id} of {instance.name}"
    if volume.status == "error_extending":
        return (
            f"{name} is error_extending with {volume.size_gib} GiB: its server can use it, "
            f"but {RESET_HINT} before it can grow"
        )
    servers = view.list_records(ResourceKind.SERVER, instance.name)
    server = view.get_server(servers[0].cloud_id or "") if servers else None
    is_running = server is not None and (server.status, server.task_state) == ("ACTIVE", None)
    if is_running and server is not None and record.was_used and volume.status == "available":
        return (
            f"{name} is not attached to its server {server.id}: somebody has detached it; "
            f"attach it again, and restart the instance hard"
        )
    return ""


def plan_groups(view: ClusterView) -> Steps:
    """Return the next steps of all groups, and of the ports that have them."""
    wanted = (step for name in sorted(view.wanted.groups) for step in plan_group(view, name))
    membership = [
        step
        for instance in view.wanted
        for record in view.list_records(ResourceKind.PORT, instance.name)
        if record.phase is ResourcePhase.CREATED and (port := view.get_port(record.cloud_id or ""))
        for step in plan_port_groups(view, record, port)
    ]
    leaving: Steps = ()
    if not membership and not list_leaving_instances(view):
        leaving = tuple(
            step for record in list_leaving_groups(view) for step in plan_group_deletion(view, record)
        )
    return (*wanted, *plan_server_group(view), *membership, *leaving, *forget_rules_without_group(view))


def plan_instance(view: ClusterView, instance: WantedInstance) -> Steps:
    """Return the next steps of a wanted instance: its old servers, volume, port, server, and the running action.

    A flavor that was ordered by its id gets its name first, by which Nova shows what a server has.
    """
    if (flavor := view.get_flavor_name(instance)) != instance.flavor:
        named = replace(instance, flavor=flavor)
        return (ChangeInstance(named, f"flavor {instance.flavor} is called {flavor}"),)
    if steps := plan_instance_seed(view, instance):
        return steps
    for record in view.list_records(ResourceKind.SERVER, instance.name):
        if record.key.epoch < instance.epoch and (steps := plan_server_removal(view, record)):
            return steps
    volume_steps, volume = plan_volume(view, instance)
    groups = find_group_ids(view)
    if groups is None:
        return volume_steps or (Waiting(f"{instance.name} waits for its security groups"),)
    port_steps, port = plan_port(view, instance, groups)
    if volume is None or port is None:
        return (*volume_steps, *port_steps)
    server_steps, server = plan_server(view, instance, volume, port)
    if server is None:
        return server_steps
    if isinstance(view.order, RestartInstance) and view.order.instance == instance.name:
        return plan_restart(view, instance, server, view.order)
    if isinstance(view.order, ResizeInstance | MigrateInstance) and view.order.instance == instance.name:
        return plan_move(view, instance, server, volume)
    if isinstance(view.order, ResizeVolume) and view.order.instance == instance.name:
        return plan_growth(view, instance, server, volume)
    if server.status == "ERROR":
        message = (
            f"server {server.id} of {instance.name} is in ERROR: {server.fault or 'Nova gives no reason'}"
        )
        return (NeedAttention(RefusalCode.ATTENTION, message),)
    return ()
