"""Orders to ORCHESTRATOR that give an instance a new server with its old volume and port."""

from __future__ import annotations

import pytest

from guestagent.controller.replacement_guard import CHECK_FAILED
from guestagent.resources.natives.requests import DeleteServer
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import Order, RenewInstance, ReplaceInstance
from tests.support.orders import build_order
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, StackWorld, get_refusal

VOLUME = "Slave0000Volume-id"


def replace_replica() -> Order:
    order: Order = build_order(ReplaceInstance, instance="Slave0000")
    return order


def list_attached(world: StackWorld) -> list[tuple[str, str]]:
    attachments = world.cloud.project.attachments.values()
    return [(each.server_id, each.status) for each in attachments if each.volume_id == VOLUME]


def test_a_new_server_has_the_volume_and_its_node_proves_itself() -> None:
    world = StackWorld().create()

    done = world.run(replace_replica())

    assert done.state is OperationState.DONE
    assert sorted(world.cloud.project.servers) == ["Master0000-id", "Slave0000-id-1"]
    assert list_attached(world) == [("Slave0000-id-1", "attached")]
    assert world.cluster is not None
    assert world.cluster.node("Slave0000").generation == 2
    assert world.project.collisions == []


def test_the_server_is_deleted_and_its_volume_free_before_heat_makes_another() -> None:
    world = StackWorld().create()
    world.submit(replace_replica())

    while "update" not in world.heat.accepted:
        assert world.heat.get_resource_id("Slave0000") == "Slave0000-id"
        world.live()

    requests = [each for each in world.heat.asked if each in {"mark", "update"}]
    assert requests == ["mark", "update"]
    assert world.cloud.taken == [DeleteServer(server_id="Slave0000-id")]


def test_a_server_that_nova_keeps_is_healthy_again() -> None:
    world = StackWorld().create()
    world.cloud.project.servers["Slave0000-id"].is_locked = True

    failed = world.run(replace_replica())

    code, message = get_refusal(failed)
    assert (code, "is locked" in message) == ("refused", True)
    assert CHECK_FAILED not in world.heat.statuses.values()
    assert world.heat.accepted == []
    assert world.run(build_order(RenewInstance, instance="Slave0000")).state is OperationState.DONE


def test_what_has_no_volume_of_the_stack_is_not_replaced() -> None:
    world = StackWorld().create(volume=None)

    failed = world.run(replace_replica())

    code, message = get_refusal(failed)
    assert (code, "its data would go with its server" in message) == ("unsupported", True)
    assert world.cloud.requests == []


def test_what_has_no_port_of_the_stack_is_not_replaced() -> None:
    world = StackWorld().create(network=None, subnet="private-subnet")

    failed = world.run(replace_replica())

    code, message = get_refusal(failed)
    assert (code, "would have another address" in message) == ("unsupported", True)
    assert world.cloud.requests == []


@pytest.mark.parametrize("status", ["error", "maintenance"])
def test_a_server_keeps_a_volume_that_no_other_one_could_have(status: str) -> None:
    world = StackWorld().create()
    world.cloud.project.volumes[VOLUME].status = status

    failed = world.run(replace_replica())

    assert get_refusal(failed)[0] == "refused"
    assert world.cloud.requests == []


def test_an_unknown_instance_is_named() -> None:
    world = StackWorld().create()

    failed = world.run(build_order(ReplaceInstance, instance="Slave0007"))

    assert get_refusal(failed) == ("not_found", "stack shop has no server of an instance Slave0007")


def test_a_volume_that_stays_attached_to_nothing_needs_a_person() -> None:
    world = StackWorld().create()
    world.cloud.project.volumes[VOLUME].status = "in-use"
    del world.cloud.project.servers["Slave0000-id"]

    stuck = world.run(replace_replica())
    world.live(1900)

    assert "look at its attachments in Cinder" in world.get_operation(stuck.id).attention
    world.cloud.project.volumes[VOLUME].status = "available"
    world.live(20)
    assert world.get_operation(stuck.id).state is OperationState.DONE


def test_a_server_that_cannot_be_made_can_be_replaced_again() -> None:
    world = StackWorld().create()
    world.heat.verdicts["Slave0000ReadyWaitCond2"] = "no image"

    failed = world.run(replace_replica())
    again = world.run(replace_replica())

    assert "no image" in get_refusal(failed)[1]
    assert again.state is OperationState.DONE
    assert list_attached(world) == [("Slave0000-id-2", "attached")]
    assert world.heat.live[CLUSTER].stack.status == "UPDATE_COMPLETE"


def test_a_replacement_that_nobody_helps_fails_an_hour_later_and_can_be_ordered_again() -> None:
    world = StackWorld().create()
    volume = world.cloud.project.volumes[VOLUME]
    del world.cloud.project.servers["Slave0000-id"]
    stuck = world.run(replace_replica())
    world.clock.sleep(1800 + 3600)
    world.live(5)

    failed = world.get_operation(stuck.id)
    volume.status = "available"
    again = world.run(replace_replica())

    assert get_refusal(failed)[0] == "deadline"
    assert again.state is OperationState.DONE
    assert list_attached(world)[-1] == ("Slave0000-id-1", "attached")
