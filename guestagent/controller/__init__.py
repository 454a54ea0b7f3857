"""The controller's library: a cluster is a value, a template is data, a stack is waited for.

Nothing here imports openstacksdk; `guestagent.controller.cloud` alone does.
"""

from guestagent.controller.cluster import Cluster
from guestagent.controller.events import Event, NodeChanged, NodeState, StackChanged
from guestagent.controller.fake import FakeHeat
from guestagent.controller.heat import Heat, Resource, Stack
from guestagent.controller.lint import lint
from guestagent.controller.node import Node
from guestagent.controller.render import parse, render, stack_timeout_minutes
from guestagent.controller.stacks import Stacks
from guestagent.controller.status import ClusterStatus, NodeStatus
from guestagent.controller.waiting import Work

__all__ = [
    "Cluster",
    "ClusterStatus",
    "Event",
    "FakeHeat",
    "Heat",
    "Node",
    "NodeChanged",
    "NodeState",
    "NodeStatus",
    "Resource",
    "Stack",
    "StackChanged",
    "Stacks",
    "Work",
    "lint",
    "parse",
    "render",
    "stack_timeout_minutes",
]
