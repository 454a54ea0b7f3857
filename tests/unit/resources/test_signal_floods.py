"""A guest that signals without end takes few rounds, and delays no order: neither of its own cluster nor of others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.resources.engine import Advance
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, RenewInstance
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.protocol import REPEAT_INTERVAL_S, ClusterLease
from guestagent.resources.store.records import ClusterSnapshot, SignalEntry
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.work_loop import WorkLoop
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine

SIGNAL = SignalEntry(instance="Slave0000", generation=1, is_success=True)
STEP_S = REPEAT_INTERVAL_S / 20


class SignalledEngine(FakeEngine):
    """An engine that rests for long after each round. During its rounds the guest goes on signalling."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self.ends_operations = True
        self.rounds: list[str] = []
        self._store = store

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        super().advance(lease, snapshot)
        self.rounds.append(lease.cluster)
        self._store.record_signal("noisy", replace(SIGNAL, data=f"in round {len(self.rounds)}"))
        return Advance(pause_s=3600.0)


class NoisyProject:
    """Two clusters and one worker. A guest of `noisy` signals something else each time."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        self.engine = SignalledEngine(self.store)
        self.intake = OrderIntake(self.store, select_engine(self.engine))
        self._loop = WorkLoop(self.store, {self.engine.name: self.engine}, "worker")
        for name in ("noisy", "quiet"):
            order = build_order(CreateCluster, name, request_id=name, description={"replicas": 1})
            self.intake.submit(order)
        self.make_noise(20)

    def make_noise(self, steps: int) -> None:
        """Let the guest signal twice in each step, whose end is one turn of the worker."""
        for _ in range(steps):
            for is_success in (True, False):
                signal = replace(SIGNAL, is_success=is_success, data=str(self.clock.now()))
                self.store.record_signal("noisy", signal)
            self._loop.work_once()
            self.clock.sleep(STEP_S)


@pytest.fixture
def project() -> NoisyProject:
    return NoisyProject()


def test_a_guest_without_end_takes_one_round_in_an_interval(project: NoisyProject) -> None:
    project.engine.rounds.clear()

    project.make_noise(400)

    assert set(project.engine.rounds) == {"noisy"}
    assert 18 <= len(project.engine.rounds) <= 21


@pytest.mark.parametrize("cluster", ["noisy", "quiet"])
def test_an_order_beside_a_guest_without_end_has_the_next_round(project: NoisyProject, cluster: str) -> None:
    operation = project.intake.submit(build_order(RenewInstance, cluster, instance="Slave0000"))

    project.make_noise(2)

    assert project.intake.operation(operation.id).state is OperationState.DONE
