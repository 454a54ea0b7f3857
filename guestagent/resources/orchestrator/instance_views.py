"""Instances and the security group of a stack as a caller is shown them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from guestagent.controller.cluster import Cluster
from guestagent.controller.heat_api import Resource, Stack
from guestagent.controller.node_state import NodeState
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.status import NodeStatus
from guestagent.resources.natives.cloud_api import CloudObservation, CloudServer
from guestagent.resources.natives.signal_evidence import read_guest_volume_gib
from guestagent.resources.orchestrator.client_rules import CLIENT_GROUP, build_client_rules
from guestagent.resources.rule import Rule
from guestagent.resources.views import GroupView, InstanceState, InstanceView

STATES: Mapping[NodeState, InstanceState] = {
    NodeState.WAITING: InstanceState.NEW,
    NodeState.BOOTING: InstanceState.BOOTING,
    NodeState.PROVING: InstanceState.PROVING,
    NodeState.READY: InstanceState.READY,
    NodeState.FAILED: InstanceState.ATTENTION,
}
MOVING_STATUSES: Mapping[str, InstanceState] = {
    "RESIZE": InstanceState.RESIZING,
    "VERIFY_RESIZE": InstanceState.VERIFYING,
    "REVERT_RESIZE": InstanceState.REVERTING,
}


@dataclass(frozen=True, slots=True)
class StackLook:
    """What one look at a cluster shows: the stack, its resources by name, the project, and the names of flavors.

    Nova shows the flavor of a server by its name; a template may have its id.
    """

    cluster: str
    stack: Stack
    resources: Mapping[str, Resource]
    observed: CloudObservation
    flavors: Mapping[str, str | None] = field(default_factory=dict)

    def get_flavor_name(self, flavor: str) -> str:
        """Return the name of a flavor of the template."""
        return self.flavors.get(flavor) or flavor

    def find_id(self, name: str) -> str:
        """Return the id in the cloud of a resource, or ""."""
        resource = self.resources.get(name)
        return "" if resource is None else resource.id


def build_instance_view(look: StackLook, status: NodeStatus) -> InstanceView:
    """Return one node as it is wanted and as it is."""
    node = status.node
    server_id, volume_id = look.find_id(node.name), look.find_id(node.volume_resource)
    server, volume = look.observed.servers.get(server_id), look.observed.volumes.get(volume_id)
    state, detail = choose_instance_state(look, status, server)
    evidence = status.evidence if isinstance(status.evidence, dict) else {}
    return InstanceView(
        cluster=look.cluster,
        name=node.name,
        role="" if status.role is None else str(status.role),
        state=state,
        detail=detail,
        server_id=server_id,
        volume_id=volume_id,
        port_id=look.find_id(node.port),
        addresses=(status.address,) if status.address else (),
        flavor="" if server is None else server.flavor,
        wanted_flavor=look.get_flavor_name(node.flavor),
        volume_gib=None if volume is None else volume.size_gib,
        wanted_volume_gib=node.volume.size_gib if isinstance(node.volume, StackVolume) else None,
        guest_volume_gib=read_guest_volume_gib(evidence),
        generation=node.generation,
        proved_generation=node.generation if status.state is NodeState.READY else None,
        evidence=evidence,
        drift=_list_drift(look, status, server),
    )


def choose_instance_state(
    look: StackLook, status: NodeStatus, server: CloudServer | None
) -> tuple[InstanceState, str]:
    """Return the state of an instance, and what a person has to know of it."""
    if look.stack.status.startswith("DELETE_"):
        return InstanceState.DELETING, ""
    has_server = bool(look.find_id(status.node.name))
    if has_server and server is None and look.observed.is_complete:
        return InstanceState.GONE, "its server does not exist any more"
    if server is not None and server.status in MOVING_STATUSES:
        return MOVING_STATUSES[server.status], ""
    if server is not None and server.status == "ERROR":
        return InstanceState.ATTENTION, f"its server is ERROR: {server.fault or 'Nova gives no reason'}"
    if status.state is NodeState.BOOTING and server is None:
        return InstanceState.BUILDING, ""
    return STATES[status.state], status.reason


def build_group_views(look: StackLook, cluster: Cluster) -> tuple[GroupView, ...]:
    """Return the groups of a stack, the rules that its template has, and those that are in force."""
    # While a replica joins, the group of the database has a rule for its donor, too.
    has_more = bool(cluster.joining_replicas)
    wanted = build_client_rules(cluster)
    return (
        _build_group_view(look, CLIENT_GROUP, cluster.group.resource, wanted, has_more),
        *(_build_group_view(look, group.name, group.resource, group.rules) for group in cluster.extra_groups),
    )


def _build_group_view(
    look: StackLook, name: str, resource: str, wanted: tuple[Rule, ...], has_more: bool = False
) -> GroupView:
    group_id = look.find_id(resource)
    group = look.observed.groups.get(group_id)
    rules = () if group is None else tuple(group.rules.values())
    foreign = frozenset() if group is None else group.foreign_rules
    return GroupView(
        cluster=look.cluster,
        name=name,
        id=group_id,
        wanted_rules=_sort(wanted),
        rules=_sort(rules),
        drift=(
            *(f"rule {rule.key} is missing" for rule in _sort(set(wanted) - set(rules)) if group is not None),
            *(
                f"rule {rule.key} is not of the template"
                for rule in _sort(set(rules) - set(wanted))
                if not has_more
            ),
            *(f"rule {each} is one that no order can express" for each in sorted(foreign)),
        ),
    )


def _list_drift(look: StackLook, status: NodeStatus, server: CloudServer | None) -> tuple[str, ...]:
    """List what others have changed. While Heat works on the stack, what differs may be on its way."""
    flavor = look.get_flavor_name(status.node.flavor)
    if look.stack.in_progress or server is None or server.flavor in {"", flavor}:
        return ()
    return (f"its server has flavor {server.flavor}, and the template says {flavor}",)


def _sort(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: rule.key))
