"""The cloud that the demo needs, and the events that it reports. `environment` is real, `fake` is for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from guestagent.controller import Cluster, Event, Heat
from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order
from guestagent.resources.views import AuditFinding, ClusterOwner, ClusterSummary, InstanceView


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A running server of the stack, and its node."""

    id: str
    node: str
    address: str


class DemoTable(Protocol):
    """The demo's table on one server. Raises DatabaseError if the server does not answer or has no table yet."""

    def create(self) -> None: ...

    def insert(self, number: int) -> None:
        """Insert a row, and return when the server has acknowledged it."""

    def fill(self, mebibytes: int) -> None:
        """Store so many MiB of other data, and purge the binary logs: no replica can replay them."""

    def count(self) -> int: ...

    def read_numbers(self) -> frozenset[int]:
        """Return every row that can be read now."""

    def close(self) -> None: ...


class DemoCloud(Protocol):
    """A running cloud, as seen from the machine on which it runs."""

    @property
    def image(self) -> str:
        """The image of its servers."""

    def connect_heat(self) -> Heat: ...

    def list_servers(self) -> tuple[DemoServer, ...]:
        """Return the present servers, also of a stack in progress."""

    def open_table(self, server: DemoServer) -> DemoTable:
        """Return the table, which connects when it is first used."""

    def read_agent_log(self, server: DemoServer) -> tuple[str, ...]:
        """Return the last lines of the agent's log."""

    def describe_seed(self, server: DemoServer) -> str:
        """Describe how far the seed of a node is; "" if it has none. Raises UnreadableContent or StorageError."""

    def list_dangerous_reads(self) -> tuple[str, ...]:
        """Return the reads that would have endangered a real stack in progress."""


class DemoEnvironment(DemoCloud, Protocol):
    """A place where the demo's cloud is started and stopped."""

    @property
    def is_running(self) -> bool:
        """Whether the cloud is running."""

    @property
    def nodes_description(self) -> str:
        """What a node is here, as the end of a sentence: a namespace, or a container of an image."""

    def prepare_image(self, report: Callable[[str], None]) -> None:
        """Download or build the image, or the parts of it that are missing, and report it: this takes minutes."""

    def start_cloud(self) -> None: ...

    def stop_cloud(self) -> bool:
        """Stop the cloud, even one that another process has left. Return whether there was any."""

    def read_cloud_log(self) -> tuple[str, ...]:
        """Return the last lines of the cloud's log, which `stop_cloud` removes."""


class DemoManager(Protocol):
    """What the scenario uses of the resource manager."""

    def submit(self, order: Order) -> Operation: ...
    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation: ...
    def clusters(self) -> Sequence[ClusterSummary]: ...
    def instances(self, cluster: str) -> Sequence[InstanceView]: ...
    def owner(self, cluster: str) -> ClusterOwner: ...
    def audit(self) -> Sequence[AuditFinding]: ...


class ManagedDemoCloud(DemoCloud, Protocol):
    """A cloud whose clusters the resource manager has."""

    def open_manager(self, engine: str) -> AbstractContextManager[DemoManager]:
        """Run the manager with this engine for the length of a `with` block."""


class ManagedDemoEnvironment(ManagedDemoCloud, DemoEnvironment, Protocol):
    """A place where such a cloud is started and stopped."""


@dataclass(frozen=True, slots=True)
class ProgressMessage:
    """A sentence about what begins, or about a result."""

    text: str


@dataclass(frozen=True, slots=True)
class ClusterChanged:
    """The new composition of the cluster: its nodes, with their roles and flavors."""

    cluster: Cluster


@dataclass(frozen=True, slots=True)
class RowsCounted:
    """The number of rows on a node, or None if it does not have the table yet."""

    node: str
    address: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class InstanceChanged:
    """An instance of the resource manager as it is now."""

    view: InstanceView


DemoEvent = Event | ProgressMessage | ClusterChanged | RowsCounted | InstanceChanged
DemoEventHandler = Callable[[DemoEvent], None]
