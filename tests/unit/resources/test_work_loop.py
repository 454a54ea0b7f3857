"""Workers start orders in their turn, and leave what they cannot do to the next round."""

from __future__ import annotations

import pytest

from guestagent.controller.service_pauses import build_pause_error
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster, DeleteInstance, RenewInstance, VolumeFate
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.protocol import LEASE_S, LeaseLost
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import load_wanted
from guestagent.resources.work_loop import WorkLoop
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine


class Workshop:
    """A store, an engine, and one worker."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        self.engine = FakeEngine()
        self.intake = OrderIntake(self.store, select_engine(self.engine))
        self.loop = WorkLoop(self.store, {"fake": self.engine}, "worker")

    @property
    def wanted(self) -> WantedCluster:
        snapshot = self.store.read("shop")
        assert snapshot is not None
        assert snapshot.cluster.wanted is not None
        return load_wanted(snapshot.cluster.wanted)

    def work(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.loop.work_once()
            self.clock.sleep(1000)

    def create(self) -> Operation:
        return self.intake.submit(build_order(CreateCluster, description={"replicas": 1}))


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


def test_nothing_is_due_without_an_order(workshop: Workshop) -> None:
    assert not workshop.loop.work_once()


def test_an_order_is_started_with_its_effect(workshop: Workshop) -> None:
    operation = workshop.create()

    workshop.work()

    assert workshop.intake.operation(operation.id).state is OperationState.RUNNING
    assert [instance.name for instance in workshop.wanted] == ["Master0000", "Slave0000"]


def test_orders_of_a_cluster_are_done_one_after_another(workshop: Workshop) -> None:
    workshop.create()
    first, second = (
        workshop.intake.submit(build_order(RenewInstance, instance="Slave0000")) for _ in range(2)
    )
    workshop.engine.ends_operations = True

    generations = []
    for _ in range(3):
        workshop.work()
        generations.append(workshop.wanted.instances[1].generation)

    assert generations == [1, 2, 3]
    for operation in (first, second):
        assert workshop.intake.operation(operation.id).state is OperationState.DONE


def test_an_order_that_no_longer_makes_sense_fails_and_the_next_one_starts(workshop: Workshop) -> None:
    workshop.create()
    remove = build_order(DeleteInstance, instance="Slave0000", volume=VolumeFate.DELETE)
    workshop.intake.submit(remove)
    workshop.engine.ends_operations = True
    workshop.work(2)
    late = workshop.store.accept(build_order(RenewInstance, instance="Slave0000"), "fake", lambda _: None)
    last = workshop.intake.submit(build_order(RenewInstance, instance="Master0000"))

    workshop.work()

    failed = workshop.intake.operation(late.id)
    assert failed.state is OperationState.FAILED
    assert failed.refusal is not None
    assert failed.refusal.code == "not_found"
    assert workshop.intake.operation(last.id).state is OperationState.DONE


def test_an_order_that_is_cancelled_before_its_turn_has_no_effect(workshop: Workshop) -> None:
    workshop.create()
    workshop.engine.ends_operations = True
    workshop.work()
    waiting = workshop.intake.submit(build_order(RenewInstance, instance="Slave0000"))
    workshop.intake.cancel(waiting.id)

    workshop.work()

    assert workshop.intake.operation(waiting.id).state is OperationState.CANCELLED
    assert workshop.wanted.instances[1].generation == 1


def test_an_unreachable_cloud_is_shown_and_tried_again(workshop: Workshop) -> None:
    operation = workshop.create()
    workshop.engine.error = CloudUnreachable("listing servers: no answer")

    workshop.work()
    while_away = workshop.intake.operation(operation.id)
    workshop.engine.error = None
    workshop.engine.ends_operations = True
    workshop.work()

    assert (while_away.state, while_away.waiting_for) == (
        OperationState.RUNNING,
        "listing servers: no answer",
    )
    assert workshop.intake.operation(operation.id).state is OperationState.DONE


def test_a_worker_that_slept_too_long_leaves_the_cluster_to_the_other(workshop: Workshop) -> None:
    workshop.create()
    other = WorkLoop(workshop.store, {"fake": workshop.engine}, "other")

    def sleep_too_long() -> None:
        workshop.engine.before_advance = None
        workshop.clock.sleep(LEASE_S + 1)
        assert other.work_once()

    workshop.engine.before_advance = sleep_too_long
    workshop.engine.ends_operations = True

    assert workshop.loop.work_once()
    assert workshop.engine.lost_leases == 1


def test_a_lost_lease_is_not_an_error_of_the_cluster(workshop: Workshop) -> None:
    operation = workshop.create()
    workshop.engine.error = LeaseLost()

    workshop.work()

    assert workshop.intake.operation(operation.id).waiting_for == ""


@pytest.mark.parametrize(
    ("error", "pause_s"),
    [
        (CloudUnreachable("no answer"), 10.0),
        (build_pause_error("listing", 90.0), 90.0),
        (build_pause_error("listing", 7200.0), 300.0),
        (CloudRefused("Keystone rejects this user"), 60.0),
        (ZeroDivisionError(), 300.0),
    ],
)
def test_a_round_that_failed_is_not_repeated_at_once(
    workshop: Workshop, error: Exception, pause_s: float
) -> None:
    workshop.create()
    workshop.engine.error = error
    workshop.loop.work_once()

    workshop.clock.sleep(pause_s - 1)
    early = workshop.loop.work_once()
    workshop.clock.sleep(2)

    assert (early, workshop.loop.work_once()) == (False, True)


def test_a_cluster_that_shows_a_bug_leaves_the_others_their_turn(workshop: Workshop) -> None:
    broken = workshop.create()
    workshop.engine.error = ZeroDivisionError()
    workshop.loop.work_once()
    workshop.engine.error, workshop.engine.ends_operations = None, True
    other = workshop.intake.submit(build_order(CreateCluster, "other", description={"replicas": 0}))

    for _ in range(10):
        workshop.loop.work_once()
        workshop.clock.sleep(2)

    assert workshop.intake.operation(other.id).state is OperationState.DONE
    assert workshop.intake.operation(broken.id).state is OperationState.RUNNING


def test_a_cluster_of_an_engine_that_does_not_run_is_left_alone(workshop: Workshop) -> None:
    operation = workshop.store.accept(
        build_order(CreateCluster, description={"replicas": 1}), "natives", lambda _: None
    )

    workshop.work()

    assert workshop.intake.operation(operation.id) == operation
