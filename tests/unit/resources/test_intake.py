"""Orders are checked, written down and answered, each once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from guestagent.errors import OrderRefused, StorageError
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import (
    CreateCluster,
    CreateRules,
    DeleteCluster,
    MigrateInstance,
    Order,
    RenewInstance,
    ResizeVolume,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import Rule, build_rule
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import ClusterChange, ClusterQueue
from guestagent.resources.wanted_document import dump_wanted
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine, build_wanted

CREATE = build_order(CreateCluster, description={"replicas": 1})
PING = build_rule(ip_network("192.0.2.0/24"), "icmp")


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


@pytest.mark.parametrize(
    ("order", "path"),
    [
        (build_order(CreateCluster, cluster="A/B", description={"replicas": 1}), "cluster"),
        (build_order(CreateCluster, request_id="", description={"replicas": 1}), "request_id"),
        (build_order(CreateCluster, request_id="\ud800", description={"replicas": 1}), "request_id"),
        (build_order(CreateCluster, description={"replicas": {1, 2}}), "description"),
        (build_order(CreateCluster, description={"replicas": float("nan")}), "description"),
        (build_order(CreateCluster, description={"replicas": 10**5000}), "description"),
        (build_order(CreateCluster, description={"replicas": [{1: "a"}]}), "description"),
        (build_order(CreateCluster, description={"replicas": "x" * 300_000}), "document"),
        (build_order(ResizeVolume, instance="Slave0000", size_gib=20.5), "size_gib"),
        (build_order(ResizeVolume, instance="Slave0000", size_gib=10**30), "size_gib"),
        (build_order(DeleteCluster, volumes="burn"), "volumes"),
        (build_order(CreateRules, group="database", rules=(Rule(None, "icmp", 8, 8),)), "rules[0].port_min"),
        (
            build_order(UpdateRuleCidr, group="database", rule=PING, network=ip_network("2001:db8::/32")),
            "network",
        ),
        (None, "document"),
    ],
)
def test_an_order_that_could_not_be_read_again_is_not_written_down(
    store: MemoryStore, intake: OrderIntake, order: Any, path: str
) -> None:
    have_cluster(store, intake)

    with pytest.raises(OrderRefused) as caught:
        intake.submit(order)

    assert (caught.value.code, [problem.path for problem in caught.value.problems]) == ("invalid", [path])
    assert [each.name for each in intake.clusters()] == ["shop"]


def test_an_order_may_have_values_that_are_read_as_others(store: MemoryStore, intake: OrderIntake) -> None:
    have_cluster(store, intake)

    intake.submit(build_order(ResizeVolume, instance="Slave0000", size_gib="20"))

    snapshot = store.read("shop")
    assert snapshot is not None
    (queued,) = snapshot.queue
    assert isinstance(queued.order, ResizeVolume)
    assert queued.order.size_gib == 20


@pytest.mark.parametrize("name", ["", "Shop", "\udcff", "x" * 41, 7])
def test_a_name_that_no_cluster_can_have_is_refused(intake: OrderIntake, name: Any) -> None:
    for ask in (intake.instances, intake.security_groups, intake.owner, intake.events, intake.operations):
        with pytest.raises(OrderRefused) as caught:
            ask(name)
        assert caught.value.code == "invalid"


def test_an_id_that_no_operation_can_have_is_refused(intake: OrderIntake) -> None:
    for ask in (intake.operation, intake.cancel, intake.retry):
        with pytest.raises(OrderRefused) as caught:
            ask("\udcff")
        assert caught.value.code == "invalid"


def test_nobody_waits_for_a_time_that_is_no_number() -> None:
    class NotingStore(MemoryStore):
        def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation | None:
            times.append(up_to_s)
            return None

    times: list[float] = []
    intake = OrderIntake(NotingStore(), select_engine(FakeEngine()))
    for up_to_s in (math.nan, math.inf, -1.0, 5.0):
        with pytest.raises(OrderRefused):
            intake.wait("an-id", 0, up_to_s)

    assert times == [20, 20, 0.0, 5.0]
