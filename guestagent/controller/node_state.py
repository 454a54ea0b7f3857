"""The state of a node, derived from the status of its condition and handle. Pure."""

from __future__ import annotations

from enum import Enum

from guestagent.controller.heat_api import Resource
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


def derive_node_state(node: Node, resources: dict[str, Resource]) -> NodeState:
    """Derive the state of a node in its current generation. Resources of an older one no longer count."""
    condition, handle = resources.get(node.condition), resources.get(node.handle)
    if condition is None or not condition.begun:
        return NodeState.BOOTING if handle and handle.begun else NodeState.WAITING
    if condition.status.endswith("_FAILED"):
        return NodeState.FAILED
    return NodeState.READY if condition.status.endswith("_COMPLETE") else NodeState.PROVING
