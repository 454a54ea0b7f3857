"""A store, a fake Heat, and workers that can be killed at any boundary, for tests of ORCHESTRATOR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from guestagent.controller import Cluster, FakeHeat, Stack, parse
from guestagent.controller.heat_api import NO_PARAMETERS, Resource
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orchestrator.engine import OrchestratorEngine
from guestagent.resources.orchestrator.stack_reference import StackReference, load_reference
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.source_directory import SourceDirectory
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.work_loop import WorkLoop
from guestagent.secret import Secret
from tests.support.orders import build_order
from tests.unit.resources.natives.worlds import RING, KillableCloud, KillableStore, Killer, WorkerKilled
from tests.unit.resources.orchestrator.stack_project import StackProject

Answer = TypeVar("Answer")
CLUSTER = "shop"
SETTLE_S = 120.0
PATIENCE_S = 1500
DESCRIPTION: dict[str, object] = {
    "flavor": "m1.small",
    "image": "guestagent-mariadb",
    "network": "private",
    "dialect": "hot",
    "volume": {"size_gib": 10},
    "client_networks": ["192.0.2.0/24"],
    "source": {},
    "replicas": 1,
}


class KillableHeat(FakeHeat):
    """A Heat whose caller may die after a request took effect, before it knows the answer.

    `accepted` counts the requests that took effect. One in `late` gets no answer, and has its effect 90 ticks later.
    """

    def __init__(self, killer: Killer) -> None:
        super().__init__()
        self._killer = killer
        self._postponed: list[tuple[int, Callable[[], object]]] = []
        self.accepted: list[str] = []
        self.late_requests: list[str] = []
        self.ticks = 0
        self.before_listing: Callable[[], None] = lambda: None

    def all_resources(self, stack: Stack) -> tuple[Resource, ...]:
        self.before_listing()
        return super().all_resources(stack)

    def create(
        self,
        name: str,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> str:
        create = super().create
        return self._take("create", lambda: create(name, template, timeout_minutes, parameters))

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        update = super().update
        self._take("update", lambda: update(stack, template, timeout_minutes, parameters))

    def mark_resource(self, stack: Stack, name: str, reason: str, *, is_unhealthy: bool) -> None:
        super().mark_resource(stack, name, reason, is_unhealthy=is_unhealthy)
        self._killer.pass_boundary("after mark")

    def delete(self, stack: Stack) -> None:
        delete = super().delete
        self._take("delete", lambda: delete(stack))

    @property
    def has_late_requests(self) -> bool:
        return bool(self._postponed)

    def tick(self) -> None:
        """Let a second pass."""
        self.ticks += 1
        due = [request for tick, request in self._postponed if tick <= self.ticks]
        self._postponed = [each for each in self._postponed if each[0] > self.ticks]
        for request in due:
            with suppress(CloudRefused):  # nobody is there any more to read the answer
                request()

    def _take(self, name: str, request: Callable[[], Answer]) -> Answer:
        def take() -> Answer:
            is_lost = name in self.loses
            try:
                answer = request()
            except CloudUnreachable:
                if is_lost:
                    self.accepted.append(name)
                raise
            self.accepted.append(name)
            return answer

        if name in self.late_requests:
            self.late_requests.remove(name)
            self._postponed.append((self.ticks + 90, take))
            raise CloudUnreachable(f"no answer to {name}")
        answer = take()
        self._killer.pass_boundary(f"after {name}")
        return answer


class StackWorld:
    """One project with its manager. Each second a worker and Heat get their turn."""

    def __init__(self, *deadly: int) -> None:
        self.killer = Killer(deadly)
        self.clock = ManualClock()
        self.store = KillableStore(self.clock, self.killer)
        self.heat = KillableHeat(self.killer)
        self.cloud = KillableCloud(self.killer)
        self.project = StackProject(self.heat, self.cloud.project)
        self.heat.before_listing = self.project.synchronize
        self.loop = self.start_worker()

    def build_engine(self) -> OrchestratorEngine:
        return OrchestratorEngine(
            self.heat,
            self.project,
            self.cloud,
            self.store.id,
            self.store,
            SourceDirectory(self.store, RING),
            SETTLE_S,
        )

    def start_worker(self) -> WorkLoop:
        """Return a new worker, which knows nothing."""
        engine = self.build_engine()
        return WorkLoop(self.store, {engine.name: engine}, "worker")

    def submit(self, order: Order) -> str:
        return OrderIntake(self.store, select_engine(self.build_engine())).submit(order).id

    def get_operation(self, operation_id: str) -> Operation:
        operation = self.store.operation(operation_id)
        assert operation is not None
        return operation

    @property
    def snapshot(self) -> ClusterSnapshot | None:
        return self.store.read(CLUSTER)

    @property
    def reference(self) -> StackReference:
        snapshot = self.snapshot
        assert snapshot is not None
        assert snapshot.cluster.wanted is not None
        return load_reference(snapshot.cluster.wanted)

    @property
    def cluster(self) -> Cluster | None:
        """What the stack's template says; None: there is no stack."""
        return parse(self.heat.live[CLUSTER].template) if CLUSTER in self.heat.live else None

    def live(self, seconds: int = 1) -> None:
        """Let some time pass. A killed worker is followed by a new one."""
        for _ in range(seconds):
            try:
                self.loop.work_once()
            except WorkerKilled:
                self.store.take_over()
                self.loop = self.start_worker()
            self.clock.sleep(1)
            self.heat.tick()
            self.project.synchronize()
            self.cloud.tick()

    def run(self, order: Order) -> Operation:
        """Give an order and live until its operation has ended or needs attention, and everything is at rest."""
        operation_id = self.submit(order)
        for _ in range(PATIENCE_S):
            self.live()
            operation = self.get_operation(operation_id)
            if operation.state.is_final or operation.attention:
                break
        while self.heat.has_late_requests:
            self.live()
        self.live(3)
        return self.get_operation(operation_id)

    def create(self, **description: object) -> StackWorld:
        """Create the cluster and return this world. A key with None is left out."""
        whole = {key: value for key, value in {**DESCRIPTION, **description}.items() if value is not None}
        order = build_order(CreateCluster, description=whole)
        operation = self.run(order)
        assert operation.state.value == "done", operation
        self.forget_history()
        return self

    def forget_history(self) -> None:
        self.killer.passed.clear()
        self.heat.accepted.clear()
        self.heat.asked.clear()
        self.cloud.requests.clear()
        self.cloud.taken.clear()


def get_refusal(operation: Operation) -> tuple[str, str]:
    assert operation.state is OperationState.FAILED, operation
    assert operation.refusal is not None
    return operation.refusal.code.value, operation.refusal.message


def live_until_sent(world: StackWorld, order: Order, request: str = "update") -> str:
    """Give an order and live until its first request is sent. Return the operation's id."""
    operation_id = world.submit(order)
    while request not in world.heat.accepted:
        world.live()
    return operation_id


def set_status(world: StackWorld, status: str, **changes: Any) -> None:
    live = world.heat.live[CLUSTER]
    live.stack = replace(live.stack, status=status, **changes)
