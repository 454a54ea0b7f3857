"""The controller's library: clusters as values, their templates, and the stacks in which they run.

Importing it does not import openstacksdk; `connect` does. Errors are those of `guestagent.errors`.
"""

from guestagent.controller.cloud_connection import connect, connect_hardware
from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.events import Event, NodeChanged, StackChanged, Tell
from guestagent.controller.external_source import ExternalSource
from guestagent.controller.fake import FakeHeat
from guestagent.controller.fake_hardware import FakeHardware
from guestagent.controller.follower import Follower
from guestagent.controller.hardware_api import HardwareVolume, NodeHardware
from guestagent.controller.heat_api import Heat, Resource, Stack
from guestagent.controller.node import Node
from guestagent.controller.node_state import NodeState
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.passwords import Passwords
from guestagent.controller.preflight import Findings, Preflight
from guestagent.controller.seed import NodeSeed, SeedSettings, SourceSize
from guestagent.controller.stacks import Stacks
from guestagent.controller.status import ClusterStatus, NodeStatus
from guestagent.controller.template import parse, render, stack_timeout_minutes
from guestagent.controller.template_lint import lint
from guestagent.controller.wait import Work

__all__ = [
    "Cluster",
    "ClusterStatus",
    "Dialect",
    "Event",
    "ExternalSource",
    "FakeHardware",
    "FakeHeat",
    "Findings",
    "Follower",
    "HardwareVolume",
    "Heat",
    "Node",
    "NodeChanged",
    "NodeHardware",
    "NodeSeed",
    "NodeState",
    "NodeStatus",
    "Passwords",
    "Preflight",
    "Resource",
    "SeedSettings",
    "SourceSize",
    "Stack",
    "StackChanged",
    "StackVolume",
    "Stacks",
    "Tell",
    "Work",
    "connect",
    "connect_hardware",
    "lint",
    "parse",
    "render",
    "stack_timeout_minutes",
]
