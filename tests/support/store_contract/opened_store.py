"""A store under test, and short ways to fill it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster, Order, RestartInstance
from guestagent.resources.store.protocol import ClusterLease, OrderStore
from guestagent.resources.store.records import (
    ClusterChange,
    ClusterQueue,
    ResourceKey,
    ResourceKind,
    ResourceRecord,
)
from tests.support.orders import build_order


@dataclass(frozen=True)
class OpenedStore:
    """A store, and what makes time pass for it and for its workers."""

    store: OrderStore
    sleep: Callable[[float], None]

    def accept(self, order: Order) -> Operation:
        return self.store.accept(order, "natives", accept_all)

    def create_cluster(self, cluster: str = "shop") -> Operation:
        return self.accept(build_order(CreateCluster, cluster, description={"replicas": 1}))

    def restart(self, cluster: str = "shop") -> Operation:
        return self.accept(build_order(RestartInstance, cluster, instance="Master0000"))

    def claim(self, worker: str = "worker") -> ClusterLease:
        lease = self.store.claim(worker)
        assert lease is not None, "no cluster is due"
        return lease

    def end(self, lease: ClusterLease, operation: Operation) -> None:
        """Have an operation done."""
        lease.write(ClusterChange(operations=(replace(operation, state=OperationState.DONE),)))


def accept_all(_: ClusterQueue | None) -> None:
    """Check nothing of an order."""


def build_record(instance: str = "Master0000", cluster: str = "shop", **values: Any) -> ResourceRecord:
    """Return the record of a server that is to be created."""
    return ResourceRecord(key=ResourceKey(cluster, ResourceKind.SERVER, instance), **values)
