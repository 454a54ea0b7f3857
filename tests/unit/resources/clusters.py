"""Wanted clusters and orders for tests, in one line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from itertools import count
from typing import Any

from guestagent.resources.engine import Advance
from guestagent.resources.operation import OperationState
from guestagent.resources.order_shapes import ORDER_TYPES
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.rule import Rule, build_rule
from guestagent.resources.store.protocol import ClusterLease, LeaseLost
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot
from guestagent.resources.wanted import DATABASE_GROUP, WantedCluster, WantedInstance, WantedVolume

REQUEST_NUMBERS = count(1)
CLIENTS = build_rule(ip_network("192.0.2.0/24"), port_min=3306)
MEMBERS = build_rule(None, port_min=3306)


def build_instance(name: str = "Master0000", **changes: Any) -> WantedInstance:
    """Return an instance; the source, unless the name is another."""
    is_source = name == "Master0000"
    server_id = 101 if is_source else 102 + int(name.removeprefix("Slave"))
    instance = WantedInstance(
        name=name,
        flavor="m1.small",
        image="guestagent-mariadb",
        volume=WantedVolume(10),
        server_id=server_id,
        is_source=is_source,
    )
    return replace(instance, **changes)


def build_wanted(replicas: int = 1, name: str = "shop", **changes: Any) -> WantedCluster:
    """Return a cluster of one source and some replicas, with one group."""
    instances = (build_instance(), *(build_instance(f"Slave{number:04d}") for number in range(replicas)))
    rules: frozenset[Rule] = frozenset({CLIENTS, MEMBERS})
    cluster = WantedCluster(
        name=name,
        network="private",
        instances=instances,
        groups={DATABASE_GROUP: rules},
        next_server_id=102 + replicas,
        next_replica=replicas,
    )
    return replace(cluster, **changes)


def build_order(order_type: type[Order], cluster: str = "shop", **values: Any) -> Any:
    """Return an order with a request id of its own, unless one is given."""
    return order_type(**{"request_id": f"request-{next(REQUEST_NUMBERS)}", "cluster": cluster, **values})


def read_description(order: CreateCluster) -> WantedCluster:
    """Return a cluster with as many replicas as the description says."""
    replicas = order.description.get("replicas", 1)
    assert isinstance(replicas, int)
    return build_wanted(replicas, order.cluster)


class FakeEngine:
    """An engine without a cloud. It does nothing, or ends the running operation, or raises `error`."""

    name = "fake"
    orders = frozenset(ORDER_TYPES) - {"migrate_instance"}

    def __init__(self) -> None:
        self.ends_operations = False
        self.error: Exception | None = None
        self.before_advance: Callable[[], None] | None = None
        self.lost_leases = 0

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        if self.before_advance is not None:
            self.before_advance()
        if self.error is not None:
            raise self.error
        running = [
            each.operation for each in snapshot.queue if each.operation.state is OperationState.RUNNING
        ]
        if self.ends_operations and running:
            try:
                lease.write(ClusterChange(operations=(replace(running[0], state=OperationState.DONE),)))
            except LeaseLost:
                self.lost_leases += 1
                raise
        return Advance(pause_s=1.0)
