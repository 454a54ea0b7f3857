"""A demo on one machine: a cluster is created, grown and shrunk while rows are written and read."""

from guestagent.demo.checks import DemoResult, FailedNode
from guestagent.demo.environment import EmbeddedEnvironment
from guestagent.demo.image_environment import ImageEnvironment
from guestagent.demo.managed_scenario import run_managed_demo
from guestagent.demo.protocols import (
    ClusterChanged,
    DemoCloud,
    DemoEnvironment,
    DemoEvent,
    DemoEventHandler,
    DemoServer,
    InstanceChanged,
    ManagedDemoEnvironment,
    ProgressMessage,
    RowsCounted,
)
from guestagent.demo.scenario import STACK_NAME, build_demo_cluster, play

__all__ = [
    "STACK_NAME",
    "ClusterChanged",
    "DemoCloud",
    "DemoEnvironment",
    "DemoEvent",
    "DemoEventHandler",
    "DemoResult",
    "DemoServer",
    "EmbeddedEnvironment",
    "FailedNode",
    "ImageEnvironment",
    "InstanceChanged",
    "ManagedDemoEnvironment",
    "ProgressMessage",
    "RowsCounted",
    "build_demo_cluster",
    "play",
    "run_managed_demo",
]
