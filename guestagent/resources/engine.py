"""An engine as the work loop needs it: it brings the clusters that it owns to what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import ClusterSnapshot


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
    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        """Do one round for a cluster: look, decide, and send what has to be sent.

        The effect of the running operation, the first in the queue, is in the snapshot's `wanted` already. A cluster of
        which nothing is wanted, there or queued has to be removed from the store. The engine
        writes records and the operation's progress and end through the lease. It may be killed anywhere. It raises
        CloudUnreachable and CloudRefused of the cloud, StorageError and LeaseLost of the store.
        """
