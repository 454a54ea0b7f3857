"""The resource manager: one interface over all engines, for Python callers, the command line and the RPC alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from guestagent.resources.operation import Operation
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.store.records import EventEntry
from guestagent.resources.views import (
    AuditFinding,
    ClusterOwner,
    ClusterSummary,
    GroupView,
    InstanceView,
    PreflightFinding,
)

INTERFACE_VERSION = "1.0"
"""Of the requests and answers. The second number grows with additions, the first with what breaks older callers."""
WAIT_LIMIT_S = 20
"""A caller waits for at most so long in one call; then it calls again."""
REQUEST_LIMIT_BYTES = 256 * 1024
ANSWER_LIMIT_BYTES = 256 * 1024
"""A longer list is answered in pages."""
QUERIES = (
    *("operation", "operations", "wait", "cancel", "retry", "events", "clusters", "instances"),
    *("security_groups", "owner", "preflight", "audit", "capabilities"),
)
"""The methods that are no orders."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the service at hand can do.

    `engine` is the name in its settings, `orders` the kinds of orders that at least one of its engines carries out, and
    `owners` those of each engine for the clusters that it owns; `new_owner` owns the clusters to come. `queries` are
    the other methods. `limits` has numbers by name: `queue` orders wait for a cluster at most, for example.
    """

    engine: str
    orders: tuple[str, ...]
    owners: Mapping[str, tuple[str, ...]]
    new_owner: str
    queries: tuple[str, ...]
    limits: Mapping[str, int]
    version: str


class ResourceManager(Protocol):
    """Accepts orders, tells their progress, and shows what is there. Methods raise OrderRefused, and nothing else.

    An order is on the disk when `submit` returns; the work follows. The same request id returns the same operation.
    Methods that look into the cloud raise `cloud_unreachable`, `forbidden` or `refused` for its answers.
    """

    def submit(self, order: Order) -> Operation:
        """Accept an order and return its operation."""

    def operation(self, operation_id: str) -> Operation:
        """Return an operation by its id."""

    def operations(self, cluster: str) -> Sequence[Operation]:
        """Return the operations of a cluster, the newest first. Those of a deleted one stay."""

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        """Return the operation when its sequence is above `after`, or after at most `up_to_s` seconds as it is."""

    def cancel(self, operation_id: str) -> Operation:
        """Ask for the end of an operation at its next step. What it has made of a new cluster is deleted again."""

    def retry(self, operation_id: str) -> Operation:
        """Let an operation go on that needs attention, after its cause is gone.

        One that has ended, or that goes on by itself (`attention` is empty), is returned as it is.
        """

    def events(self, cluster: str) -> Sequence[EventEntry]:
        """Return what has happened to a cluster, the oldest first. They stay when the cluster is deleted."""

    def clusters(self) -> Sequence[ClusterSummary]:
        """Return the clusters of the store by name."""

    def instances(self, cluster: str) -> Sequence[InstanceView]:
        """Return the instances of a cluster as they are in the cloud now, the source first."""

    def security_groups(self, cluster: str) -> Sequence[GroupView]:
        """Return the security groups of a cluster with the rules that are in force now."""

    def owner(self, cluster: str) -> ClusterOwner:
        """Return the engine that owns a cluster, by the store and by the cloud.

        Raise OrderRefused with the evidence: `unknown_owner` if there is none, `two_owners` if it shows two engines.
        """

    def preflight(self, order: CreateCluster) -> Sequence[PreflightFinding]:
        """Return everything for which the order would fail, if it were given now. Nothing is made or written down."""

    def audit(self) -> Sequence[AuditFinding]:
        """Return what is in the cloud and should not be, and the reverse, over all clusters."""

    def capabilities(self) -> Capabilities:
        """Return what the service can do. Other orders are refused as unsupported."""
