"""A demo cloud with a resource manager that does each order at once, for tests of the scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from guestagent.demo.fake import FakeDemoCloud
from guestagent.demo.protocols import DemoManager, DemoServer
from guestagent.resources.operation import Operation, OperationState, OrderRefusal, RefusalCode
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    Order,
    ResizeInstance,
    ResizeVolume,
)
from guestagent.resources.views import AuditFinding, ClusterOwner, ClusterSummary, InstanceState, InstanceView


@dataclass(slots=True)
class FakeManagedCloud(FakeDemoCloud):
    """A fake cloud. Orders of `failing_kind` fail; guests of `blind_nodes` do not see that their volumes grow.

    `findings` are those of an audit at the end. If it `forgets_owners`, all clusters belong to Heat.
    """

    failing_kind: str = ""
    blind_nodes: tuple[str, ...] = ()
    findings: tuple[AuditFinding, ...] = ()
    forgets_owners: bool = False
    orders: list[Order] = field(default_factory=list)
    engines: list[str] = field(default_factory=list)
    views: dict[str, InstanceView] = field(default_factory=dict)

    @contextmanager
    def open_manager(self, engine: str) -> Iterator[DemoManager]:
        self.engines.append(engine)
        yield FakeManager(self)

    def list_servers(self) -> tuple[DemoServer, ...]:
        nodes = [*self.views, *(name for name in self.leftover_nodes if name not in self.views)]
        return tuple(
            DemoServer(f"id-{name}", name, f"10.0.0.{number}") for number, name in enumerate(nodes, 10)
        )


class FakeManager:
    """The manager. An operation is done when somebody waits for it."""

    def __init__(self, cloud: FakeManagedCloud) -> None:
        self._cloud = cloud

    def submit(self, order: Order) -> Operation:
        self._cloud.orders.append(order)
        return Operation(
            id=order.request_id,
            request_id=order.request_id,
            cluster=order.cluster,
            kind=order.kind,
            state=OperationState.ACCEPTED,
            sequence=1,
            accepted_at=0.0,
        )

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        order = self._cloud.orders[-1]
        operation = replace(self.submit(order), sequence=after + 1)
        self._cloud.orders.pop()
        self._cloud.clock.sleep(up_to_s)
        if order.kind == self._cloud.failing_kind:
            refusal = OrderRefusal(RefusalCode.REFUSED, "as the test wants")
            return replace(operation, state=OperationState.FAILED, refusal=refusal)
        self._change_views(order)
        return replace(operation, state=OperationState.DONE)

    def clusters(self) -> Sequence[ClusterSummary]:
        return [ClusterSummary(name="demo", engine="natives")] if self._cloud.views else []

    def instances(self, cluster: str) -> Sequence[InstanceView]:
        return [*self._cloud.views.values()]

    def owner(self, cluster: str) -> ClusterOwner:
        is_old = cluster == "demo" and not self._cloud.forgets_owners
        return ClusterOwner("natives" if is_old else "orchestrator", ("the fake says so",))

    def audit(self) -> Sequence[AuditFinding]:
        return self._cloud.findings

    def _change_views(self, order: Order) -> None:
        views = self._cloud.views
        if order.cluster != "demo":
            return
        match order:
            case CreateCluster():
                views["Master0000"] = _build_view(order.cluster, "Master0000", "source", "m1.medium")
                views["Slave0000"] = _build_view(order.cluster, "Slave0000", "replica", "m1.tiny")
            case AddInstance():
                views["Slave0001"] = _build_view(order.cluster, "Slave0001", "replica", order.flavor)
            case ResizeVolume(instance=name) if name not in self._cloud.blind_nodes:
                size = order.size_gib
                views[name] = replace(views[name], volume_gib=size, guest_volume_gib=float(size))
            case ResizeInstance(instance=name):
                views[name] = replace(views[name], flavor=order.flavor)
            case DeleteCluster():
                views.clear()


def _build_view(cluster: str, name: str, role: str, flavor: str) -> InstanceView:
    return InstanceView(
        cluster=cluster,
        name=name,
        role=role,
        state=InstanceState.READY,
        flavor=flavor,
        volume_gib=1,
        guest_volume_gib=1.0,
    )
