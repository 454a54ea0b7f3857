"""Orders are checked, written down and answered, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from guestagent.errors import OrderRefused, StorageError
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import (
    CreateCluster,
    DeleteCluster,
    MigrateInstance,
    Order,
    RenewInstance,
    ResizeVolume,
    VolumeFate,
)
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import ClusterChange, ClusterQueue
from guestagent.resources.wanted_document import dump_wanted
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine, build_wanted

CREATE = build_order(CreateCluster, description={"replicas": 1})


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def intake(store: MemoryStore) -> OrderIntake:
    return OrderIntake(store, select_engine(FakeEngine()))


def have_cluster(store: MemoryStore, intake: OrderIntake) -> Operation:
    """Have the cluster `shop` made."""
    operation = intake.submit(CREATE)
    lease = store.claim("worker")
    assert lease is not None
    done = replace(operation, state=OperationState.DONE)
    lease.write(ClusterChange(wanted=dump_wanted(build_wanted(1)), operations=(done,)))
    lease.release(0)
    return operation


def refuse(intake: OrderIntake, order: Order) -> str:
    with pytest.raises(OrderRefused) as caught:
        intake.submit(order)
    return str(caught.value.code)


def test_an_order_is_accepted_once(intake: OrderIntake) -> None:
    first = intake.submit(CREATE)

    assert intake.submit(CREATE) == first
    assert intake.operations("shop") == (first,)
    assert (first.state, first.kind) == (OperationState.ACCEPTED, "create_cluster")


def test_an_order_that_is_done_is_answered_with_what_became_of_it(
    store: MemoryStore, intake: OrderIntake
) -> None:
    operation = have_cluster(store, intake)

    assert intake.submit(CREATE).id == operation.id
    assert intake.submit(CREATE).state is OperationState.DONE


def test_one_id_is_not_for_two_orders(intake: OrderIntake) -> None:
    intake.submit(CREATE)

    assert refuse(intake, replace(CREATE, description={"replicas": 2})) == "request_reused"


def test_an_order_is_checked_against_the_cluster_after_those_that_wait(
    store: MemoryStore, intake: OrderIntake
) -> None:
    have_cluster(store, intake)
    intake.submit(build_order(ResizeVolume, instance="Slave0000", size_gib=20))

    assert refuse(intake, build_order(ResizeVolume, instance="Slave0000", size_gib=15)) == "invalid"


def test_a_waiting_order_that_will_be_refused_changes_nothing(
    store: MemoryStore, intake: OrderIntake
) -> None:
    have_cluster(store, intake)
    grow = build_order(ResizeVolume, instance="Slave0007", size_gib=20)
    store.accept(grow, "fake", lambda _: None)

    later = intake.submit(build_order(ResizeVolume, instance="Slave0000", size_gib=20))

    assert later.state is OperationState.ACCEPTED


def test_a_cluster_of_an_engine_that_is_not_served_is_left_alone(
    store: MemoryStore, intake: OrderIntake
) -> None:
    order = build_order(CreateCluster, cluster="other", description={})
    store.accept(order, "orchestrator", lambda _: None)

    assert refuse(intake, build_order(RenewInstance, cluster="other", instance="Master0000")) == "unsupported"


def test_a_new_cluster_is_known_before_it_is_made(intake: OrderIntake) -> None:
    intake.submit(CREATE)

    assert refuse(intake, build_order(CreateCluster, description={})) == "exists"
    assert intake.submit(build_order(RenewInstance, instance="Slave0000")).state is OperationState.ACCEPTED


def test_a_refused_order_leaves_nothing(intake: OrderIntake) -> None:
    order = build_order(DeleteCluster, volumes=VolumeFate.KEEP)

    assert refuse(intake, order) == "not_found"
    assert intake.clusters() == ()


def test_what_the_engine_cannot_do_is_unsupported(intake: OrderIntake) -> None:
    assert refuse(intake, build_order(MigrateInstance, instance="Slave0000")) == "unsupported"
    assert "migrate_instance" not in intake.capabilities().orders


@pytest.mark.parametrize("ask", ["operation", "cancel", "retry", "wait"])
def test_an_unknown_operation_is_not_found(intake: OrderIntake, ask: str) -> None:
    questions: dict[str, Callable[[], Operation]] = {
        "operation": lambda: intake.operation("none"),
        "cancel": lambda: intake.cancel("none"),
        "retry": lambda: intake.retry("none"),
        "wait": lambda: intake.wait("none", 0, 0.0),
    }

    with pytest.raises(OrderRefused, match="there is no operation none"):
        questions[ask]()


def test_a_full_disk_refuses_an_order_and_tells_no_path(intake: OrderIntake) -> None:
    class FullStore(MemoryStore):
        def accept(
            self, order: Order, engine: str, check: Callable[[ClusterQueue | None], None]
        ) -> Operation:
            raise StorageError("/var/lib/secret/store.db: No space left on device")

    full = OrderIntake(FullStore(), select_engine(FakeEngine()))

    with pytest.raises(OrderRefused) as caught:
        full.submit(CREATE)

    assert (caught.value.code, str(caught.value)) == ("busy", "the store of orders cannot be used now")
    assert caught.value.reference
