"""The events of a stack that is being waited for, and the state of a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.heat_api import Resource, Stack
from guestagent.controller.node import Node
from guestagent.controller.node_state import NodeState, derive_node_state
from guestagent.controller.seed import estimate_node_seconds


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """A node has another state, `seconds` after the wait began.

    `expected_s`: of a replica that gets a copy of its source's data now, how long that is expected to take.
    """

    name: str
    state: NodeState
    seconds: float
    reason: str = ""
    expected_s: float | None = None


@dataclass(frozen=True, slots=True)
class StackChanged:
    """The stack has another status, `seconds` after the wait began."""

    name: str
    status: str
    seconds: float
    reason: str = ""


Event = NodeChanged | StackChanged
Tell = Callable[[Event], None]


class ChangeReporter:
    """Turns polled stacks and resources into events, one for each new state."""

    def __init__(self, cluster: Cluster | None, tell: Tell, start: float) -> None:
        self._cluster, self._tell, self._start = cluster, tell, start
        self._states: dict[str, NodeState] = {}
        self._status = ""

    def report_stack(self, stack: Stack, now: float) -> None:
        if stack.status != self._status:
            self._status = stack.status
            self._tell(StackChanged(stack.name, stack.status, now - self._start, stack.reason))

    def report_resources(self, resources: Iterable[Resource], now: float) -> None:
        by_name = {resource.name: resource for resource in resources}
        for node in self._cluster or ():
            state = derive_node_state(node, by_name)
            if state is not self._states.get(node.name):
                self._states[node.name] = state
                reason = by_name[node.condition].reason if state is NodeState.FAILED else ""
                expected_s = self._estimate_seed(node) if state is NodeState.PROVING else None
                self._tell(NodeChanged(node.name, state, now - self._start, reason, expected_s))

    def _estimate_seed(self, node: Node) -> float | None:
        return None if self._cluster is None else estimate_node_seconds(self._cluster.seeding, node.seed)
