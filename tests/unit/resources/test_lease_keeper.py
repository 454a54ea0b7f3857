"""A round that takes longer than a lease keeps it, and one that does not end loses it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from guestagent.errors import StorageError
from guestagent.resources.lease_keeper import KEEP_LIMIT_S, RENEWAL_INTERVAL_S, LeaseKeeper
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster
from guestagent.resources.resource_service import ResourceService
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.protocol import LEASE_S
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.work_loop import WorkLoop
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine


class LongRound:
    """A worker whose engine takes its time in each round, while the keeper has its turns."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store, self.engine = MemoryStore(self.clock), FakeEngine()
        self.engine.ends_operations = True
        self.keeper = LeaseKeeper(read_clock=self.clock.now)
        self.loop = WorkLoop(self.store, {"fake": self.engine}, "worker", keeper=self.keeper)
        self.operation = self.store.accept(build_order(CreateCluster, description={}), "fake", lambda _: None)

    def work(self, before_advance: Callable[[], None]) -> OperationState:
        self.engine.before_advance = before_advance
        self.loop.work_once()
        operation = self.store.operation(self.operation.id)
        assert operation is not None
        return operation.state

    def look(self, seconds: float) -> None:
        """Let the cloud answer late."""
        for _ in range(int(seconds / RENEWAL_INTERVAL_S)):
            self.clock.sleep(RENEWAL_INTERVAL_S)
            self.keeper.renew_all()


def test_a_look_that_outlasts_a_lease_is_not_in_vain() -> None:
    long = LongRound()

    assert long.work(lambda: long.look(3 * LEASE_S)) is OperationState.DONE


def test_without_renewals_it_would_be() -> None:
    long = LongRound()

    assert long.work(lambda: long.clock.sleep(LEASE_S)) is OperationState.RUNNING


def test_a_round_that_does_not_end_loses_its_lease() -> None:
    long = LongRound()

    assert long.work(lambda: long.look(KEEP_LIMIT_S + 2 * LEASE_S)) is OperationState.RUNNING


def test_a_lease_that_was_given_back_is_not_renewed() -> None:
    long = LongRound()
    long.work(lambda: None)

    long.look(LEASE_S)

    assert long.store.claim("another") is not None


def test_a_store_that_fails_meanwhile_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    class FailingLease:
        cluster, renewals = "shop", 0

        def renew(self) -> None:
            self.renewals += 1
            raise StorageError("the disk is full")

    clock, lease = ManualClock(), FailingLease()
    keeper = LeaseKeeper(read_clock=clock.now)
    with keeper.keep(lease):  # type: ignore[arg-type] # it is only renewed
        for _ in range(2):
            clock.sleep(RENEWAL_INTERVAL_S)
            keeper.renew_all()

    assert lease.renewals == 2
    assert "the disk is full" in caplog.text


def test_a_service_keeps_the_leases_of_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = threading.Event()
    store, engine = MemoryStore(), FakeEngine()
    store.accept(build_order(CreateCluster, description={}), "fake", lambda _: None)
    service = ResourceService(store, {"fake": engine}, "host", 1, renewal_interval_s=0.01)
    monkeypatch.setattr("guestagent.resources.store.memory_lease.MemoryLease.renew", lambda _: renewed.set())

    def await_renewal() -> None:
        renewed.wait(30)

    engine.before_advance = await_renewal
    service.open()

    assert renewed.wait(30)
    assert service.close()
