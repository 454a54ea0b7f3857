"""An engine as the rest needs it: it brings the clusters that it owns to what is wanted, and shows what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import AuditFinding, GroupView, InstanceView, PreflightFinding


@dataclass(frozen=True, slots=True)
class Advance:
    """How a round ended. The cluster is due again after `pause_s` seconds, or at once when an order arrives."""

    pause_s: float


class ResourceEngine(Protocol):
    """One way to make and change resources. `orders` are the kinds that it can carry out."""

    @property
    def name(self) -> str: ...
    @property
    def orders(self) -> frozenset[str]: ...
    def apply_order(self, wanted: str | None, order: Order) -> str | None:
        """Return the engine's document of what is wanted as the order changes it. It only reads the store.

        `wanted` is None for a cluster that does not exist. Raise OrderRefused if the order makes no sense for it. The
        same order is tried when it arrives, on the cluster as it will be after those that wait, and applied when its
        turn comes.
        """

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        """Do one round for a cluster: look, decide, and send what has to be sent.

        The effect of the running operation, the first in the queue, is in the snapshot's `wanted` already. A cluster of
        which nothing is wanted, there or queued has to be removed from the store. The engine
        writes records and the operation's progress and end through the lease. It may be killed anywhere. It raises
        CloudUnreachable and CloudRefused of the cloud, StorageError and LeaseLost of the store.
        """


@runtime_checkable
class ResourceReader(Protocol):
    """What an engine shows beside its work. It changes nothing. Raises CloudUnreachable and CloudRefused."""

    def list_instances(self, snapshot: ClusterSnapshot) -> Sequence[InstanceView]:
        """Return the instances of a cluster, the source first, as the cloud shows them now."""

    def list_groups(self, snapshot: ClusterSnapshot) -> Sequence[GroupView]:
        """Return the security groups of a cluster with the rules that are in force now."""

    def preflight(self, order: CreateCluster) -> Sequence[PreflightFinding]:
        """Return what the creation of a cluster would fail for. Nothing is made."""

    def audit(self, clusters: Sequence[ClusterSnapshot]) -> Sequence[AuditFinding]:
        """Return what is in the cloud and should not be, and the reverse. `clusters` are all of the store.

        One of the engine's own whose document cannot be read is a finding. Nothing in the cloud is left over because of
        it, nor because of one that is `unreadable`, of which nothing is known but its row.
        """

    def find_evidence(self, cluster: str, snapshot: ClusterSnapshot | None) -> Sequence[str]:
        """Return what in the cloud shows that this engine owns a cluster of that name: one sentence each.

        None if nothing does. The row in the store is no part of it.
        """
