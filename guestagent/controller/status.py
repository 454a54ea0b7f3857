"""The status of a cluster's stack: nodes, roles, addresses, states, evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from guestagent.controller.cluster import Cluster
from guestagent.controller.evidence import read_evidence
from guestagent.controller.heat_api import Heat, Resource, Stack
from guestagent.controller.node import Node
from guestagent.controller.node_state import NodeState, derive_node_state
from guestagent.controller.seed import estimate_node_seconds
from guestagent.controller.stack_reader import find_stack, name_stack
from guestagent.controller.template import get_role, read_cluster
from guestagent.errors import CloudRefused, InvalidTemplate
from guestagent.metadata import Role

CONDITION_NAME_PATTERN = re.compile(r"(?P<node>.+)ReadyWaitCond(?P<generation>[0-9]*)")


@dataclass(frozen=True, slots=True)
class SeedProgress:
    """The seconds that a seed is expected to take, and those since the stack's update began; None if unknown.

    Heat does not tell when it began to wait for a node, nor how many bytes have been copied.
    """

    expected_s: float | None
    elapsed_s: float | None


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node and its state. While Heat is working on the stack, address, reason and evidence are unknown.

    `reason` is Heat's, for a node that has failed. `evidence` is the data of the node's SUCCESS signal, usually a
    mapping (docs/reference/signal.md). `seed` is the progress of a replica that gets its source's data now.
    """

    node: Node
    state: NodeState
    role: Role | None = None
    address: str = ""
    reason: str = ""
    evidence: object = None
    seed: SeedProgress | None = None

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """A stack and its nodes, the source first once it is known."""

    stack: Stack
    nodes: tuple[NodeStatus, ...]


def read_cluster_status(heat: Heat, name: str, now: datetime) -> ClusterStatus:
    """Read the status, with those requests only that are safe in the stack's status. `now` is the time of day."""
    stack = find_stack(heat, name)
    if stack is None:
        raise CloudRefused(f"there is no stack {name or repr(name)}")
    if stack.in_progress:
        resources, template = heat.resources(stack), heat.template(stack)
        return ClusterStatus(stack, tuple(_read_nodes_in_progress(stack, resources, template, now)))
    template = heat.template(stack)
    with name_stack(stack):
        cluster = read_cluster(template)
    return ClusterStatus(
        stack, tuple(_read_idle_nodes(stack, cluster, heat.detailed(stack), heat.outputs(stack)))
    )


def _read_idle_nodes(
    stack: Stack, cluster: Cluster, resources: tuple[Resource, ...], outputs: Mapping[str, object]
) -> Iterator[NodeStatus]:
    by_name = {resource.name: resource for resource in resources}
    for node in cluster:
        condition = by_name.get(node.condition, Resource(node.condition, "INIT_COMPLETE"))
        state, reason = derive_node_state(node, by_name), condition.reason
        if state is not NodeState.READY and _is_failure_cause(node, stack):
            # Perhaps its server has failed: Heat never began with the condition.
            state, reason = NodeState.FAILED, reason or stack.reason
        yield NodeStatus(
            node=node,
            state=state,
            role=get_role(cluster, node),
            address=str(outputs.get(f"{node.name}Address") or ""),
            reason=reason if state is NodeState.FAILED else "",
            evidence=read_evidence(condition),
        )


def _is_failure_cause(node: Node, stack: Stack) -> bool:
    """Return whether a resource of this node made the stack fail. Their names begin with the node's."""
    return stack.failed and re.search(rf"\bresources\.{node.name}(?![0-9])", stack.reason) is not None


def _read_nodes_in_progress(
    stack: Stack, resources: tuple[Resource, ...], template: object, now: datetime
) -> Iterator[NodeStatus]:
    """Read the nodes from their conditions, each in its newest generation. What else is known is in the template."""
    by_name = {resource.name: resource for resource in resources}
    generations: dict[str, int] = {}
    for name in by_name:
        if match := CONDITION_NAME_PATTERN.fullmatch(name):
            generation = int(match["generation"] or 1)
            generations[match["node"]] = max(generation, generations.get(match["node"], 0))
    cluster = _find_cluster(template)
    for name, generation in sorted(generations.items()):
        node = _find_node(cluster, name, generation)
        if cluster is None or node is None:
            node = Node(flavor="", image="", name=name, generation=generation)
            yield NodeStatus(node, derive_node_state(node, by_name))
            continue
        state = derive_node_state(node, by_name)
        seed = None
        if state is NodeState.PROVING and node.donor_password is not None:
            expected_s = estimate_node_seconds(cluster.seeding, node.seed)
            seed = SeedProgress(expected_s, _measure_elapsed(stack, now))
        yield NodeStatus(node, state, get_role(cluster, node), seed=seed)


def _find_cluster(template: object) -> Cluster | None:
    try:
        return read_cluster(template)
    except InvalidTemplate:
        return None


def _find_node(cluster: Cluster | None, name: str, generation: int) -> Node | None:
    nodes = cluster or ()
    return next((node for node in nodes if (node.name, node.generation) == (name, generation)), None)


def _measure_elapsed(stack: Stack, now: datetime) -> float | None:
    """Measure the seconds since the update began; None if the clocks of Heat and of this machine do not agree."""
    try:
        # Python 3.10 does not know Z.
        began = datetime.fromisoformat(stack.updated.replace("Z", "+00:00"))
    except ValueError:
        return None
    if began.tzinfo is None:
        began = began.replace(tzinfo=timezone.utc)
    seconds = (now - began).total_seconds()
    return seconds if seconds >= 0 else None
