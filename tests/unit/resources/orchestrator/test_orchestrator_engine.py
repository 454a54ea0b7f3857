"""ORCHESTRATOR beside other clients of Heat, and what becomes of stacks that fail."""

from __future__ import annotations

from typing import Any

import pytest

from guestagent.controller import Cluster, Stack, Stacks
from guestagent.errors import CloudRefused, OrderRefused
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    CreateCluster,
    DeleteCluster,
    DeleteInstance,
    Order,
    RegisterCluster,
    RenewInstance,
    ResizeFailure,
    ResizeInstance,
    VolumeFate,
)
from tests.support.orders import build_order
from tests.unit.resources.orchestrator.stack_scenarios import prepare_foreign_stack
from tests.unit.resources.orchestrator.stack_worlds import (
    CLUSTER,
    DESCRIPTION,
    StackWorld,
    get_refusal,
    live_until_sent,
    set_status,
)


def get_cluster(world: StackWorld) -> Cluster:
    cluster = world.cluster
    assert cluster is not None
    return cluster


def renew() -> Order:
    order: Order = build_order(RenewInstance, instance="Slave0000")
    return order


def test_a_stack_of_another_is_left_alone_and_leaves_no_row() -> None:
    world = StackWorld()
    prepare_foreign_stack(world)

    failed = world.run(build_order(CreateCluster, description=DESCRIPTION))

    assert get_refusal(failed)[0] == "exists"
    assert world.snapshot is None
    assert world.heat.accepted == []


def test_an_update_waits_for_that_of_another_client() -> None:
    world = StackWorld().create()
    set_status(world, "UPDATE_IN_PROGRESS")
    world.heat.live[CLUSTER].pending_conditions = ["Master0000ReadyWaitCond"]
    operation_id = world.submit(renew())

    world.live(1)

    assert "by another client or an earlier order" in world.get_operation(operation_id).waiting_for
    world.live(30)
    assert world.get_operation(operation_id).state is OperationState.DONE


def test_an_update_of_another_client_during_ours_is_not_overwritten() -> None:
    world = StackWorld().create()
    operation_id = live_until_sent(world, build_order(ResizeInstance, instance="Slave0000", **LARGE))
    live = world.heat.live[CLUSTER]
    while live.stack.in_progress:
        live.advance({})
    stacks = Stacks(world.heat)
    stacks.wait(stacks.change(CLUSTER, lambda cluster: cluster.renew("Master0000")))
    seen = world.cluster
    world.heat.accepted.clear()

    world.live(5)

    code, message = get_refusal(world.get_operation(operation_id))
    assert (code, "another client has changed stack shop meanwhile" in message) == ("refused", True)
    assert (world.cluster, world.heat.accepted) == (seen, [])


LARGE = {"flavor": "m1.large", "on_failure": ResizeFailure.KEEP}


def test_an_update_of_another_client_before_a_lost_request_ends_the_operation() -> None:
    world = StackWorld().create()
    world.heat.drops.append("update")
    operation_id = world.submit(renew())
    while "update" not in world.heat.asked:
        world.live()
    stacks = Stacks(world.heat)
    stacks.wait(stacks.change(CLUSTER, lambda cluster: cluster.renew("Master0000")))

    world.live(20)

    assert get_refusal(world.get_operation(operation_id))[0] == "refused"
    assert get_cluster(world).node("Slave0000").generation == 1


def test_a_node_that_fails_ends_the_operation_with_its_words_and_can_be_renewed() -> None:
    world = StackWorld()
    world.heat.verdicts["Slave0000ReadyWaitCond"] = "disk full"

    failed = world.run(build_order(CreateCluster, description=DESCRIPTION))

    code, message = get_refusal(failed)
    assert code == "refused"
    assert "disk full" in message
    assert "renew_instance gives a node that has failed another try" in message
    world.live(70)
    assert world.snapshot is not None
    assert "disk full" in world.snapshot.cluster.attention
    world.heat.verdicts.clear()
    assert world.run(renew()).state is OperationState.DONE
    assert get_cluster(world).node("Slave0000").generation == 2
    assert world.snapshot.cluster.attention == ""


def test_a_stack_that_heat_has_lost_needs_a_person_and_goes_on_after_that() -> None:
    world = StackWorld().create()
    operation_id = live_until_sent(world, renew())
    world.heat.live[CLUSTER].pending_conditions = ["Slave0000ReadyWaitCond2"] * 10_000
    world.clock.sleep(24 * 3600)

    world.live(5)

    assert "Heat has lost it" in world.get_operation(operation_id).attention
    del world.heat.live[CLUSTER].pending_conditions[1:]
    world.live(30)
    assert world.get_operation(operation_id).state is OperationState.DONE


def test_a_request_that_heat_rejects_fails_the_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    world = StackWorld()

    def reject(*_: object) -> str:
        raise CloudRefused("You have reached the maximum stacks per tenant, 1.")

    monkeypatch.setattr(world.heat, "create", reject)

    failed = world.run(build_order(CreateCluster, description=DESCRIPTION))

    assert get_refusal(failed)[0] == "quota"
    assert world.snapshot is None


def test_a_cloud_without_what_the_template_needs_is_named() -> None:
    world = StackWorld()
    assert world.heat.types is not None
    world.heat.types -= {"OS::Heat::WaitCondition"}

    failed = world.run(build_order(CreateCluster, description=DESCRIPTION))

    code, message = get_refusal(failed)
    assert (code, "OS::Heat::WaitCondition" in message) == ("unsupported", True)


def test_a_stack_that_is_gone_is_told_at_rest_and_can_be_deleted() -> None:
    world = StackWorld().create()
    world.heat.live.clear()

    world.live(70)

    assert world.snapshot is not None
    assert "stack shop is gone" in world.snapshot.cluster.attention
    assert get_refusal(world.run(renew()))[0] == "refused"
    deleted = world.run(build_order(DeleteCluster, volumes=VolumeFate.KEEP))
    assert deleted.state is OperationState.DONE
    assert world.snapshot is None


def test_another_stack_of_the_same_name_is_not_deleted() -> None:
    world = StackWorld().create()
    world.heat.live[CLUSTER].stack = Stack("another", CLUSTER, "CREATE_COMPLETE")

    deleted = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert deleted.state is OperationState.DONE
    assert world.heat.live[CLUSTER].stack.id == "another"


@pytest.mark.parametrize(
    ("order_type", "values", "code"),
    [
        (RenewInstance, {"instance": "Slave0007"}, "not_found"),
        (DeleteInstance, {"instance": "Slave0007", "volume": VolumeFate.KEEP}, "not_found"),
        (DeleteInstance, {"instance": "Master0000", "volume": VolumeFate.KEEP}, "refused"),
        (ResizeInstance, {"instance": "Slave0007", **LARGE}, "not_found"),
    ],
)
def test_an_order_that_makes_no_sense_for_the_stack_fails(
    order_type: type[Order], values: dict[str, Any], code: str
) -> None:
    world = StackWorld().create()

    failed = world.run(build_order(order_type, **values))

    assert get_refusal(failed)[0] == code
    assert world.heat.accepted == []


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (build_order(CreateCluster, description=DESCRIPTION), "exists"),
        (build_order(RegisterCluster), "exists"),
        (build_order(RenewInstance, cluster="other", instance="Slave0000"), "not_found"),
        (
            build_order(
                CreateCluster,
                cluster="other",
                description={**DESCRIPTION, "tls": {"ca": "/etc/hostname"}, "passwords": {"file": "x"}},
            ),
            "invalid",
        ),
    ],
)
def test_an_order_that_can_never_be_carried_out_is_refused_at_once(order: Order, code: str) -> None:
    world = StackWorld().create()

    with pytest.raises(OrderRefused) as refused:
        world.submit(order)

    assert refused.value.code == code


def test_a_resize_to_the_present_flavor_sends_nothing() -> None:
    world = StackWorld().create()

    done = world.run(
        build_order(ResizeInstance, instance="Slave0000", flavor="m1.small", on_failure=ResizeFailure.KEEP)
    )

    assert done.state is OperationState.DONE
    assert world.heat.accepted == []
