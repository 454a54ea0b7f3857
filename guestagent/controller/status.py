"""What a cluster's stack is now: nodes, roles, addresses, states, evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.events import NodeState, derive_node_state
from guestagent.controller.heat_api import Heat, Resource, Stack
from guestagent.controller.node import Node
from guestagent.controller.stack_reader import find_stack
from guestagent.controller.template import get_role, parse
from guestagent.errors import CloudRefused
from guestagent.metadata import Role

CONDITION_NAME_PATTERN = re.compile(r"(?P<node>.+)ReadyWaitCond(?P<generation>[0-9]*)")


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node and how far it is. While Heat is at work only its state is known; the rest is empty.

    `reason` is Heat's, of a node that failed. `evidence` is what the node's SUCCESS carried, mostly a mapping
    (docs/reference/signal.md).
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
    """The status by the requests that are safe for what the stack is at."""
    stack = find_stack(heat, name)
    if stack is None:
        raise CloudRefused(f"there is no stack {name}")
    if stack.in_progress:
        return ClusterStatus(stack, tuple(_in_progress(heat.resources(stack))))
    cluster = parse(heat.template(stack))
    return ClusterStatus(stack, tuple(_at_rest(stack, cluster, heat.detailed(stack), heat.outputs(stack))))


def _at_rest(
    stack: Stack, cluster: Cluster, resources: tuple[Resource, ...], outputs: Mapping[str, object]
) -> Iterator[NodeStatus]:
    by_name = {resource.name: resource for resource in resources}
    for node in cluster:
        condition = by_name.get(node.condition, Resource(node.condition, "INIT_COMPLETE"))
        state, reason = derive_node_state(node, by_name), condition.reason
        if state is not NodeState.READY and _blamed(node, stack):
            # Its server has failed, say: the condition's turn never came.
            state, reason = NodeState.FAILED, reason or stack.reason
        yield NodeStatus(
            node=node,
            state=state,
            role=get_role(cluster, node),
            address=str(outputs.get(f"{node.name}Address") or ""),
            reason=reason if state is NodeState.FAILED else "",
            evidence=_evidence(condition),
        )


def _blamed(node: Node, stack: Stack) -> bool:
    """Whether the stack failed by a resource of this node; their names begin with the node's."""
    return stack.failed and re.search(rf"\bresources\.{node.name}(?![0-9])", stack.reason) is not None


def _in_progress(resources: tuple[Resource, ...]) -> Iterator[NodeStatus]:
    """The nodes that the conditions tell of, each in its newest generation; nothing says their roles."""
    by_name = {resource.name: resource for resource in resources}
    generations: dict[str, int] = {}
    for name in by_name:
        if found := CONDITION_NAME_PATTERN.fullmatch(name):
            generation = int(found["generation"] or 1)
            generations[found["node"]] = max(generation, generations.get(found["node"], 0))
    for name, generation in sorted(generations.items()):
        node = Node(flavor="", image="", name=name, generation=generation)
        yield NodeStatus(node, derive_node_state(node, by_name))


def _evidence(condition: Resource) -> object:
    """What the node's signal carried: Heat keeps a JSON text of every id's data, and a node has one id."""
    attributes = condition.attributes
    data = _loaded(attributes.get("Data", attributes.get("data")))  # as the dialects spell it
    signals = [_loaded(value) for value in data.values()] if isinstance(data, dict) else []
    return signals[0] if signals else None


def _loaded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
