"""The events of a stack that is being waited for, and the state of a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from guestagent.controller.heat_api import Resource, Stack
from guestagent.controller.node import Node


class NodeState(str, Enum):
    """The progress of a node, derived from its condition and handle."""

    WAITING = "waiting"  # Heat has not begun with it
    BOOTING = "booting"  # Heat is creating the server, or delivering its new metadata
    PROVING = "proving"  # the server runs; Heat waits for its signal
    READY = "ready"
    FAILED = "failed"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """A node has another state, `seconds` after the wait began."""

    name: str
    state: NodeState
    seconds: float
    reason: str = ""


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

    def __init__(self, nodes: Iterable[Node], tell: Tell, start: float) -> None:
        self._nodes, self._tell, self._start = tuple(nodes), tell, start
        self._states: dict[str, NodeState] = {}
        self._status = ""

    def report_stack(self, stack: Stack, now: float) -> None:
        if stack.status != self._status:
            self._status = stack.status
            self._tell(StackChanged(stack.name, stack.status, now - self._start, stack.reason))

    def report_resources(self, resources: Iterable[Resource], now: float) -> None:
        by_name = {resource.name: resource for resource in resources}
        for node in self._nodes:
            state = derive_node_state(node, by_name)
            if state is not self._states.get(node.name):
                self._states[node.name] = state
                reason = by_name[node.condition].reason if state is NodeState.FAILED else ""
                self._tell(NodeChanged(node.name, state, now - self._start, reason))


def derive_node_state(node: Node, resources: dict[str, Resource]) -> NodeState:
    """Derive the state of a node in its current generation. Resources of an older one no longer count."""
    condition, handle = resources.get(node.condition), resources.get(node.handle)
    if condition is None or not condition.begun:
        return NodeState.BOOTING if handle and handle.begun else NodeState.WAITING
    if condition.status.endswith("_FAILED"):
        return NodeState.FAILED
    return NodeState.READY if condition.status.endswith("_COMPLETE") else NodeState.PROVING
