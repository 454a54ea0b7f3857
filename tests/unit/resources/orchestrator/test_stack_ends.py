"""Orders to ORCHESTRATOR that are cancelled, and deletions that Heat cannot carry out."""

from __future__ import annotations

from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, DeleteCluster, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.orchestrator.stack_scenarios import STACK_SCENARIOS
from tests.unit.resources.orchestrator.stack_worlds import (
    CLUSTER,
    DESCRIPTION,
    StackWorld,
    get_refusal,
    live_until_sent,
    set_status,
)

renew = STACK_SCENARIOS["renew_instance"].build


def test_a_cancelled_creation_leaves_nothing() -> None:
    world = StackWorld()
    order = build_order(CreateCluster, description=DESCRIPTION)
    operation_id = live_until_sent(world, order, "create")

    world.store.cancel(operation_id)
    world.live(10)

    assert world.get_operation(operation_id).state is OperationState.CANCELLED
    assert (world.snapshot, world.heat.live) == (None, {})


def test_a_cancelled_creation_whose_request_is_late_leaves_nothing() -> None:
    world = StackWorld()
    world.heat.late_requests.append("create")
    operation_id = world.submit(build_order(CreateCluster, description=DESCRIPTION))
    world.live(3)

    world.store.cancel(operation_id)
    world.live(300)

    assert world.get_operation(operation_id).state is OperationState.CANCELLED
    assert world.heat.accepted == ["create", "delete"]
    assert (world.snapshot, world.heat.live) == (None, {})


def test_a_change_that_is_cancelled_before_it_is_sent_changes_nothing() -> None:
    world = StackWorld().create()
    before = world.cluster
    set_status(world, "UPDATE_IN_PROGRESS")
    world.heat.live[CLUSTER].pending_conditions = ["Master0000ReadyWaitCond"] * 100
    operation_id = world.submit(renew())
    world.live(2)

    world.store.cancel(operation_id)
    world.live(2)

    assert world.get_operation(operation_id).state is OperationState.CANCELLED
    assert (world.cluster, world.heat.accepted) == (before, [])


def test_a_deletion_that_is_cancelled_before_it_begins_keeps_the_cluster() -> None:
    world = StackWorld().create()
    operation_id = world.submit(build_order(DeleteCluster, volumes=VolumeFate.KEEP))

    world.store.cancel(operation_id)
    world.live(5)

    assert world.get_operation(operation_id).state is OperationState.CANCELLED
    assert world.run(renew()).state is OperationState.DONE


def test_a_stack_that_cannot_be_deleted_needs_a_person_and_another_try() -> None:
    world = StackWorld().create()
    world.heat.delete = lambda stack: fail_deletion(world)  # type: ignore[method-assign]
    operation = world.run(build_order(DeleteCluster, volumes=VolumeFate.KEEP))
    assert "Heat cannot delete stack shop: port in use" in operation.attention
    tries = world.heat.accepted.count("delete")

    del world.heat.delete
    world.store.retry(operation.id)
    world.live(40)

    assert tries == 3
    assert world.get_operation(operation.id).state is OperationState.DONE
    assert (world.snapshot, world.heat.live) == (None, {})


def fail_deletion(world: StackWorld) -> None:
    world.heat.accepted.append("delete")
    set_status(world, "DELETE_FAILED", reason="port in use")


def test_the_volumes_of_a_stack_that_another_client_deletes_go_as_the_order_says() -> None:
    world = StackWorld().create()
    set_status(world, "DELETE_IN_PROGRESS")
    world.heat.live[CLUSTER].pending_conditions = ["Master0000ReadyWaitCond"] * 100

    deleted = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert deleted.state is OperationState.DONE
    assert (world.snapshot, world.heat.live, world.cloud.project.volumes) == (None, {}, {})


def test_a_long_update_is_waited_for_until_the_timeout_of_its_stack() -> None:
    world = StackWorld().create(deadline=20_000, auth_ttl=30_000)
    operation_id = live_until_sent(world, renew(), "update")
    world.heat.live[CLUSTER].pending_conditions = ["Slave0000ReadyWaitCond2"] * 10_000

    world.clock.sleep(20_000)
    world.live(5)
    assert world.get_operation(operation_id).attention == ""

    world.clock.sleep(30_000)
    world.live(5)
    assert "Heat has lost it" in world.get_operation(operation_id).attention


def test_a_creation_that_heat_has_lost_fails_an_hour_after_it_needed_a_person() -> None:
    world = StackWorld()
    operation_id = live_until_sent(world, build_order(CreateCluster, description=DESCRIPTION), "create")
    world.heat.live[CLUSTER].pending_conditions = ["Slave0000ReadyWaitCond"] * 100_000
    while not world.get_operation(operation_id).attention:
        world.clock.sleep(300)
        world.live()

    world.clock.sleep(1800)
    world.live(5)
    waiting = world.get_operation(operation_id)
    world.clock.sleep(1800)
    world.live(5)

    assert waiting.state is OperationState.RUNNING
    code, message = get_refusal(world.get_operation(operation_id))
    assert (code, "Heat has lost it" in message) == ("deadline", True)
    assert CLUSTER in world.heat.live


def test_a_change_that_heat_has_lost_waits_for_a_person() -> None:
    world = StackWorld().create()
    operation_id = live_until_sent(world, renew())
    world.heat.live[CLUSTER].pending_conditions = ["Slave0000ReadyWaitCond2"] * 100_000

    world.clock.sleep(24 * 3600)
    world.live(5)

    assert "Heat has lost it" in world.get_operation(operation_id).attention


def test_an_order_behind_a_cancelled_creation_does_not_make_the_cluster() -> None:
    world = StackWorld()
    creation = live_until_sent(world, build_order(CreateCluster, description=DESCRIPTION), "create")
    addition = world.submit(STACK_SCENARIOS["add_instance"].build())

    world.store.cancel(creation)
    world.live(200)

    ended = [world.get_operation(each) for each in (creation, addition)]
    assert [each.state for each in ended] == [OperationState.CANCELLED, OperationState.FAILED], ended
    assert world.heat.accepted == ["create", "delete"]
    assert (world.snapshot, world.heat.live) == (None, {})
