"""The status of a cluster's stack: nodes, roles, addresses, states, evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.evidence import read_evidence
from guestagent.controller.heat_api import Heat, Resource, Stack
from guestagent.controller.node import Node
from guestagent.controller.node_state import NodeState, derive_node_state
from guestagent.controller.stack_reader import find_stack
from guestagent.controller.template import get_role, read_cluster
from guestagent.errors import CloudRefused
from guestagent.metadata import Role

CONDITION_NAME_PATTERN = re.compile(r"(?P<node>.+)ReadyWaitCond(?P<generation>[0-9]*)")


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node and its state. While Heat is working on the stack, only the state is known and the rest is empty.

    `reason` is Heat's, for a node that has failed. `evidence` is the data of the node's SUCCESS signal, usually a
    mapping (docs/reference/signal.md).
    """

    node: Node
    state: NodeState
    role: Role | None = None
    address: str = ""
    reason: str = ""
    evidence: object = None

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """A stack and its nodes, the source first once it is known."""

    stack: Stack
    nodes: tuple[NodeStatus, ...]


def read_cluster_status(heat: Heat, name: str) -> ClusterStatus:
    """Read the status, with those requests only that are safe in the stack's status."""
    stack = find_stack(heat, name)
    if stack is None:
        raise CloudRefused(f"there is no stack {name}")
    if stack.in_progress:
        return ClusterStatus(stack, tuple(_read_nodes_in_progress(heat.resources(stack))))
    cluster = read_cluster(heat.template(stack))
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


def _read_nodes_in_progress(resources: tuple[Resource, ...]) -> Iterator[NodeStatus]:
    """Read the nodes from their conditions, each in its newest generation. Their roles are unknown."""
    by_name = {resource.name: resource for resource in resources}
    generations: dict[str, int] = {}
    for name in by_name:
        if match := CONDITION_NAME_PATTERN.fullmatch(name):
            generation = int(match["generation"] or 1)
            generations[match["node"]] = max(generation, generations.get(match["node"], 0))
    for name, generation in sorted(generations.items()):
        node = Node(flavor="", image="", name=name, generation=generation)
        yield NodeStatus(node, derive_node_state(node, by_name))
