"""What is told while a stack is waited for: frozen values, in the order in which they were seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from guestagent.controller.heat_api import Resource, Stack
from guestagent.controller.node import Node


class NodeState(str, Enum):
    """How far a node is, as its condition and handle show it."""

    WAITING = "waiting"  # its turn has not come
    BOOTING = "booting"  # Heat makes the server, or hands it its new metadata
    PROVING = "proving"  # the server runs; its signal is waited for
    READY = "ready"
    FAILED = "failed"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """A node came to another state, `seconds` after the waiting began."""

    name: str
    state: NodeState
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StackChanged:
    """The stack came to another status, `seconds` after the waiting began."""

    name: str
    status: str
    seconds: float
    reason: str = ""


Event = NodeChanged | StackChanged
Tell = Callable[[Event], None]


class ChangeReporter:
    """Turns what is seen into events: each state is told once."""

    def __init__(self, nodes: Iterable[Node], tell: Tell, began: float) -> None:
        self._nodes, self._tell, self._began = tuple(nodes), tell, began
        self._states: dict[str, NodeState] = {}
        self._status = ""

    def report_stack(self, seen: Stack, now: float) -> None:
        if seen.status != self._status:
            self._status = seen.status
            self._tell(StackChanged(seen.name, seen.status, now - self._began, seen.reason))

    def report_resources(self, seen: Iterable[Resource], now: float) -> None:
        by_name = {resource.name: resource for resource in seen}
        for node in self._nodes:
            state = derive_node_state(node, by_name)
            if state is not self._states.get(node.name):
                self._states[node.name] = state
                reason = by_name[node.condition].reason if state is NodeState.FAILED else ""
                self._tell(NodeChanged(node.name, state, now - self._began, reason))


def derive_node_state(node: Node, resources: dict[str, Resource]) -> NodeState:
    """The state of a node in its present generation; what an older one showed no longer counts."""
    condition, handle = resources.get(node.condition), resources.get(node.handle)
    if condition is None or not condition.begun:
        return NodeState.BOOTING if handle and handle.begun else NodeState.WAITING
    if condition.status.endswith("_FAILED"):
        return NodeState.FAILED
    return NodeState.READY if condition.status.endswith("_COMPLETE") else NodeState.PROVING
