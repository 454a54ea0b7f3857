"""A store, a fake cloud with guests, and workers that can be killed at any boundary, for tests of NATIVES."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from guestagent.byte_units import GIB
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.natives.cloud_api import CloudAnswer
from guestagent.resources.natives.engine import NativesEngine
from guestagent.resources.natives.fake_cloud import FakeCloud
from guestagent.resources.natives.fake_project import FakeServer, FakeVolume
from guestagent.resources.natives.marks import ENGINE_NAME, parse_metadata
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.source_directory import SourceDirectory
from guestagent.resources.store.memory_store import MEMORY_STORE_ID, MemoryStore
from guestagent.resources.store.records import (
    ClusterChange,
    ClusterSnapshot,
    ResourceKind,
    ResourcePhase,
    SignalEntry,
)
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.wanted import WantedCluster, WantedInstance
from guestagent.resources.wanted_document import load_wanted
from guestagent.resources.work_loop import WorkLoop
from guestagent.secret import Secret
from tests.support.orders import build_order
from tests.unit.resources.clusters import read_description

CLUSTER = "shop"
USER_DATA = "#cloud-config of a guest"
PATIENCE_S = 3000
RING = KeyRing("k1", {"": bytes(32), "k1": bytes(32)})


class WorkerKilled(BaseException):
    """What kill -9 is to a worker: it does nothing any more."""


@dataclass
class Killer:
    """Counts the boundaries that workers pass, and kills them at those in `deadly`. `passed` names them.

    At `pause_at` the worker is stopped while `pause` runs, and then goes on with what it knew.
    """

    deadly: tuple[int, ...] = ()
    passed: list[str] = field(default_factory=list)
    pause_at: int | None = None
    pause: Callable[[], None] = lambda: None

    def pass_boundary(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.pause_at:
            self.pause()
        if len(self.passed) - 1 in self.deadly:
            raise WorkerKilled(name)


class KillableLease:
    """A lease whose holder may die before and after each write."""

    def __init__(self, lease: Any, killer: Killer) -> None:
        self._lease, self._killer = lease, killer
        self.cluster = lease.cluster

    def can_send(self) -> bool:
        return bool(self._lease.can_send())

    def renew(self) -> None:
        self._lease.renew()

    def read(self) -> ClusterSnapshot:
        snapshot: ClusterSnapshot = self._lease.read()
        return snapshot

    def write(self, change: ClusterChange) -> None:
        self._killer.pass_boundary("before a write")
        self._lease.write(change)
        self._killer.pass_boundary("after a write")

    def release(self, pause_s: float) -> None:
        self._lease.release(pause_s)


class KillableStore(MemoryStore):
    """A store that gives out such leases. `take_over` ends the lease of a dead worker at once."""

    def __init__(self, clock: ManualClock, killer: Killer, store_id: str = MEMORY_STORE_ID) -> None:
        super().__init__(clock, store_id)
        self._killer = killer
        self._last_lease: Any = None

    def claim(self, worker: str) -> Any:
        lease = super().claim(worker)
        if lease is None:
            return None
        self._last_lease = lease
        return KillableLease(lease, self._killer)

    def take_over(self) -> None:
        self._last_lease.release(0)


class KillableCloud(FakeCloud):
    """A cloud whose caller may die after a request took effect, before it knows the answer."""

    def __init__(self, killer: Killer) -> None:
        super().__init__()
        self._killer = killer

    def send(self, request: CloudRequest) -> CloudAnswer:
        answer = super().send(request)
        self._killer.pass_boundary(f"after {type(request).__name__}")
        return answer


class World:
    """One project with its manager. Each second the workers, the cloud and the guests get their turn."""

    def __init__(self, *deadly: int) -> None:
        self.killer = Killer(deadly)
        self.clock = ManualClock()
        self.store = KillableStore(self.clock, self.killer)
        self.cloud = KillableCloud(self.killer)
        self.watchers: list[Callable[[World], None]] = []
        self.silent_guests, self.failing_guests = set[str](), set[str]()
        self.blind_guests, self.deaf_guests = set[str](), set[str]()
        self.signal_data: dict[str, dict[str, object]] = {}
        self.loop = self.start_worker()

    def start_worker(self) -> WorkLoop:
        """Return a new worker, which knows nothing."""
        self.engine = NativesEngine(
            self.cloud,
            self.store.id,
            lambda _cluster, _instance: Secret(USER_DATA),
            read_description,
            self.store,
            SourceDirectory(self.store, RING),
            clock=self.clock.now,
        )
        return WorkLoop(self.store, {ENGINE_NAME: self.engine}, "worker")

    def submit(self, order: Order) -> str:
        return self.store.accept(order, ENGINE_NAME, lambda _snapshot: None).id

    def get_operation(self, operation_id: str) -> Operation:
        operation = self.store.operation(operation_id)
        assert operation is not None
        return operation

    @property
    def snapshot(self) -> ClusterSnapshot | None:
        return self.store.read(CLUSTER)

    @property
    def wanted(self) -> WantedCluster | None:
        document = None if self.snapshot is None else self.snapshot.cluster.wanted
        return None if document is None else load_wanted(document)

    def live(self, seconds: int = 1) -> None:
        """Let some time pass. A killed worker is followed by a new one."""
        for _ in range(seconds):
            try:
                self.loop.work_once()
            except WorkerKilled:
                self.store.take_over()
                self.loop = self.start_worker()
            self.clock.sleep(1)
            self.cloud.tick()
            self._let_guests_signal()
            for watch in self.watchers:
                watch(self)

    def run(self, order: Order) -> Operation:
        """Give an order and live until its operation has ended, and everything has come to rest."""
        operation_id = self.submit(order)
        for _ in range(PATIENCE_S):
            self.live()
            if self.get_operation(operation_id).state.is_final:
                break
        while self.cloud.has_late_requests or self._has_uncertain_rules():
            self.live()
        self.live(3)
        return self.get_operation(operation_id)

    def _has_uncertain_rules(self) -> bool:
        """Return whether a record is kept for a rule that a lost request may still create."""
        snapshot = self.snapshot
        kind, phase = ResourceKind.RULE, ResourcePhase.INTENDED
        records = () if snapshot is None else snapshot.resources
        return any((record.key.kind, record.phase) == (kind, phase) for record in records)

    def create(self, replicas: int = 0) -> World:
        """Create the cluster and return this world."""
        order: Order = build_order(CreateCluster, description={"replicas": replicas})
        assert self.run(order).state is OperationState.DONE
        self.killer.passed.clear()
        self.cloud.requests.clear()
        return self

    def run_until_stuck(self, order: Order) -> Operation:
        """Give an order and live until its operation needs attention."""
        operation_id = self.submit(order)
        for _ in range(PATIENCE_S):
            self.live()
            operation = self.get_operation(operation_id)
            if operation.attention or operation.state.is_final:
                return operation
        return self.get_operation(operation_id)

    def await_end(self, operation: Operation) -> Operation:
        """Live until an operation has ended."""
        for _ in range(PATIENCE_S):
            self.live()
            if self.get_operation(operation.id).state.is_final:
                break
        return self.get_operation(operation.id)

    @property
    def instance(self) -> WantedInstance:
        """The source, as it is wanted now."""
        wanted = self.wanted
        assert wanted is not None
        return wanted.instances[0]

    @property
    def server(self) -> FakeServer:
        """The only server."""
        (server,) = self.cloud.project.servers.values()
        return server

    @property
    def volume(self) -> FakeVolume:
        """The only volume."""
        (volume,) = self.cloud.project.volumes.values()
        return volume

    @property
    def attention(self) -> str:
        snapshot = self.snapshot
        return "" if snapshot is None else snapshot.cluster.attention

    def count_requests(self, request_type: type[CloudRequest]) -> int:
        return sum(isinstance(request, request_type) for request in self.cloud.requests)

    def _let_guests_signal(self) -> None:
        """Let every guest that runs prove what it has to prove, the source before its replicas."""
        wanted, snapshot = self.wanted, self.snapshot
        if wanted is None or snapshot is None:
            return
        proved = {(each.instance, each.generation) for each in snapshot.signals}
        if wanted.previous_keys:
            for name in {each.name for each in wanted} - self.deaf_guests:
                self.store.record_key_contact(CLUSTER, name, wanted.key_id)
        for server in self.cloud.project.servers.values():
            mark = parse_metadata(server.metadata)
            is_ours = mark is not None and mark.store_id == self.store.id
            instance = wanted.find_instance(mark.key.instance) if mark and is_ours else None
            if instance is None or server.status not in {"ACTIVE", "VERIFY_RESIZE"} or server.task_state:
                continue
            source = wanted.instances[0]
            is_early = not instance.is_source and (source.name, source.generation) not in proved
            if (
                (instance.name, instance.generation) in proved
                or is_early
                or instance.name in self.silent_guests
            ):
                continue
            is_success = instance.name not in self.failing_guests
            signal = SignalEntry(
                instance=instance.name,
                generation=instance.generation,
                is_success=is_success,
                reason="" if is_success else "disk full",
                data=self._build_evidence(instance.name),
            )
            self.store.record_signal(CLUSTER, signal)

    def _build_evidence(self, name: str) -> str:
        """Return what a guest's agent tells of its data volume. `blind_guests` do not see that it has grown."""
        sizes = [
            volume.size_gib
            for volume in self.cloud.project.volumes.values()
            if (mark := parse_metadata(volume.metadata)) and mark.key.instance == name
        ]
        size_gib = 1 if name in self.blind_guests else max(sizes, default=0)
        evidence = {"volume": {"file_system_bytes": size_gib * GIB}, **self.signal_data.get(name, {})}
        return json.dumps(evidence)
