"""Wanted clusters and orders for tests, in one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.engine import Advance
from guestagent.resources.operation import OperationState
from guestagent.resources.order_effects import apply_order
from guestagent.resources.order_shapes import ORDER_TYPES
from guestagent.resources.orders import Clean, CreateCluster, Order
from guestagent.resources.rule import Rule, build_rule
from guestagent.resources.store.protocol import ClusterLease, LeaseLost
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot
from guestagent.resources.views import AuditFinding, GroupView, InstanceView, PreflightFinding
from guestagent.resources.wanted import DATABASE_GROUP, WantedCluster, WantedInstance, WantedVolume
from guestagent.resources.wanted_document import dump_wanted, load_wanted
from tests.support.orders import build_order

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


def read_description(order: CreateCluster) -> WantedCluster:
    """Return a cluster with as many replicas as the description says."""
    replicas = order.description.get("replicas", 1)
    assert isinstance(replicas, int)
    return build_wanted(replicas, order.cluster)


class FakeEngine:
    """An engine without a cloud. It does nothing, or ends the running operation, or raises `error`.

    As a reader it shows the views that it is given, or raises `reader_error`.
    """

    orders = frozenset(ORDER_TYPES) - {"migrate_instance", "register_cluster", "unregister_cluster"}

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.instances: tuple[InstanceView, ...] = ()
        self.groups: tuple[GroupView, ...] = ()
        self.problems: tuple[PreflightFinding, ...] = ()
        self.findings: tuple[AuditFinding, ...] = ()
        self.evidence: tuple[str, ...] = ()
        self.reader_error: Exception | None = None
        self.refusal: OrderRefused | None = None
        self.ends_operations = False
        self.error: Exception | None = None
        self.before_advance: Callable[[], None] | None = None
        self.lost_leases = 0

    def apply_order(self, wanted: str | None, order: Order) -> str | None:
        if self.refusal is not None:
            raise self.refusal
        if isinstance(order, Clean):
            return wanted
        before = None if wanted is None else load_wanted(wanted)
        return dump_wanted(apply_order(before, order, read_description))

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

    def list_instances(self, snapshot: ClusterSnapshot) -> Sequence[InstanceView]:
        self._raise_reader_error()
        return self.instances

    def list_groups(self, snapshot: ClusterSnapshot) -> Sequence[GroupView]:
        self._raise_reader_error()
        return self.groups

    def preflight(self, order: CreateCluster) -> Sequence[PreflightFinding]:
        self._raise_reader_error()
        return self.problems

    def audit(self, clusters: Sequence[ClusterSnapshot]) -> Sequence[AuditFinding]:
        self._raise_reader_error()
        return self.findings

    def find_evidence(self, cluster: str, snapshot: ClusterSnapshot | None) -> Sequence[str]:
        self._raise_reader_error()
        return self.evidence

    def _raise_reader_error(self) -> None:
        if self.reader_error is not None:
            raise self.reader_error


def apply(wanted: WantedCluster | None, order_type: type[Order], **values: Any) -> WantedCluster:
    """Return the cluster as an order wants it."""
    return apply_order(wanted, build_order(order_type, **values), read_description)


def refuse(wanted: WantedCluster | None, order_type: type[Order], **values: Any) -> tuple[str, str]:
    """Return the code and the message with which an order is refused."""
    with pytest.raises(OrderRefused) as caught:
        apply(wanted, order_type, **values)
    return str(caught.value.code), str(caught.value)
