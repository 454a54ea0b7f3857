"""The events of a stack that is being waited for, and the state of a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from guestagent.controller.heat_api import Resource, Stack
from guestagent.controller.node import Node
from guestagent.controller.node_state import NodeState, derive_node_state


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
