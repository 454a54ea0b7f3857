"""Orders to ORCHESTRATOR that restart or migrate a server of a stack."""

from __future__ import annotations

from typing import Any

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.fake_project import FakeServer
from guestagent.resources.natives.requests import CloudRequest, ConfirmResize, MigrateServer, RevertResize
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import MigrateInstance, Order, RestartInstance
from tests.support.orders import build_order
from tests.unit.resources.orchestrator.stack_worlds import (
    CLUSTER,
    StackWorld,
    get_refusal,
    live_until_sent,
    set_status,
)


def migrate() -> Order:
    order: Order = build_order(MigrateInstance, instance="Slave0000")
    return order


def get_server(world: StackWorld) -> FakeServer:
    return world.cloud.project.servers["Slave0000-id"]


def list_taken(world: StackWorld) -> list[type[CloudRequest]]:
    return [type(request) for request in world.cloud.taken]


def live_until_moved(world: StackWorld) -> str:
    """Give the order to migrate, and live until the server waits on its new host. Return the operation's id."""
    operation_id = world.submit(migrate())
    while get_server(world).status != "VERIFY_RESIZE":
        world.live()
    return operation_id


def test_a_node_proves_itself_after_a_restart() -> None:
    world = StackWorld().create()

    done = world.run(build_order(RestartInstance, instance="Slave0000"))

    assert done.state is OperationState.DONE
    assert world.cluster is not None
    assert world.cluster.node("Slave0000").generation == 2


def test_a_soft_restart_that_fails_shows_only_in_the_action() -> None:
    world = StackWorld().create()
    world.cloud.project.limits.fails_reboot = True

    failed = world.run(build_order(RestartInstance, instance="Slave0000"))

    assert get_refusal(failed)[0] == "refused"
    assert get_server(world).status == "ACTIVE"
    assert world.heat.accepted == []


def test_a_hard_restart_brings_a_server_back_that_a_soft_one_refuses() -> None:
    world = StackWorld().create()
    get_server(world).status, get_server(world).host = "ERROR", "compute1"

    refused = world.run(build_order(RestartInstance, instance="Slave0000"))
    done = world.run(build_order(RestartInstance, instance="Slave0000", hard=True))

    assert "a hard restart (--hard) starts it" in get_refusal(refused)[1]
    assert done.state is OperationState.DONE


@pytest.mark.parametrize("order_type", [MigrateInstance, RestartInstance])
@pytest.mark.parametrize(
    ("instance", "message"), [("Slave0007", "no server of an instance Slave0007"), ("Slave0000", "is gone")]
)
def test_without_a_server_nothing_is_sent(order_type: type[Order], instance: str, message: str) -> None:
    world = StackWorld().create()
    del world.cloud.project.servers["Slave0000-id"]

    failed = world.run(build_order(order_type, instance=instance))

    code, text = get_refusal(failed)
    assert (code, message in text) == ("not_found", True)
    assert world.cloud.requests == []


def test_a_migration_is_confirmed_only_when_the_node_has_proved_itself() -> None:
    world = StackWorld().create()
    live_until_moved(world)
    while not world.heat.live[CLUSTER].stack.in_progress:
        world.live()
    world.heat.live[CLUSTER].pending_conditions = ["Slave0000ReadyWaitCond2"] * 60

    world.live(40)
    waiting = list_taken(world)
    world.live(60)

    assert waiting == [MigrateServer]
    assert list_taken(world) == [MigrateServer, ConfirmResize]
    assert get_server(world).status == "ACTIVE"


def test_a_server_whose_node_fails_returns_to_its_old_host_and_proves_that() -> None:
    world = StackWorld().create()
    world.heat.verdicts["Slave0000ReadyWaitCond2"] = "no route to the source"

    failed = world.run(migrate())

    code, message = get_refusal(failed)
    assert "Slave0000 is on its old host again" in message
    assert "no route to the source" in message
    assert (code, get_server(world).status) == ("refused", "ACTIVE")
    assert list_taken(world) == [MigrateServer, RevertResize]
    assert world.heat.live[CLUSTER].stack.status == "UPDATE_COMPLETE"


def test_a_migration_without_a_host_fails_by_the_action() -> None:
    world = StackWorld().create()
    world.cloud.project.limits.has_other_host = False

    failed = world.run(migrate())

    assert get_refusal(failed) == ("no_capacity", "Slave0000 was not moved: No valid host was found. ")
    assert world.heat.accepted == []


def test_a_cloud_that_confirms_resizes_itself_is_fine() -> None:
    world = StackWorld().create()
    world.cloud.project.limits.confirms_resizes = True

    done = world.run(migrate())

    assert done.state is OperationState.DONE
    assert list_taken(world) == [MigrateServer]


def test_a_cancelled_migration_returns_the_server_first() -> None:
    world = StackWorld().create()
    operation_id = world.submit(migrate())
    while MigrateServer not in list_taken(world):
        world.live()

    world.store.cancel(operation_id)
    world.live(60)

    assert world.get_operation(operation_id).state is OperationState.CANCELLED
    assert (list_taken(world), get_server(world).status) == ([MigrateServer, RevertResize], "ACTIVE")
    assert world.heat.accepted == []


def test_an_update_that_cannot_be_sent_returns_the_server_first() -> None:
    world = StackWorld().create()
    live_until_moved(world)
    set_template_of_another(world)

    world.live(60)

    operation = world.store.read(CLUSTER)
    assert operation is not None
    assert operation.queue == ()
    assert (list_taken(world), get_server(world).status) == ([MigrateServer, RevertResize], "ACTIVE")


def set_template_of_another(world: StackWorld) -> None:
    """Have a resource in the stack's template that no cluster has."""
    live = world.heat.live[CLUSTER]
    resources: dict[str, Any] = {**live.template["resources"], "Other": {"type": "OS::Heat::Value"}}
    live.template = {**live.template, "resources": resources}


def test_a_stack_that_another_client_updates_meanwhile_returns_the_server() -> None:
    world = StackWorld().create()
    operation_id = live_until_sent(world, migrate())
    live = world.heat.live[CLUSTER]
    live.template = {**live.template, "description": "of another client"}
    set_status(world, "UPDATE_COMPLETE", updated="later")
    world.live(60)

    code, message = get_refusal(world.get_operation(operation_id))

    assert (code, "another client has changed stack shop" in message) == ("refused", True)
    assert (list_taken(world), get_server(world).status) == ([MigrateServer, RevertResize], "ACTIVE")


def test_a_move_waits_for_a_volume_that_grows() -> None:
    world = StackWorld().create()
    volume = world.cloud.project.volumes["Slave0000Volume-id"]
    volume.status, volume.wanted_gib, volume.countdown = "extending", 10, 20

    done = world.run(migrate())

    assert done.state is OperationState.DONE
    assert list_taken(world) == [MigrateServer, ConfirmResize]


def test_a_move_that_waits_for_a_volume_for_half_an_hour_needs_a_person() -> None:
    world = StackWorld().create()
    volume = world.cloud.project.volumes["Slave0000Volume-id"]
    volume.status, volume.countdown = "extending", 10_000
    operation_id = world.submit(migrate())

    world.live(1900)

    attention = world.get_operation(operation_id).attention
    assert attention.startswith("the data volume is extending, and a move would put the server into ERROR: ")
    assert list_taken(world) == []


@pytest.mark.parametrize("order_type", [MigrateInstance, RestartInstance])
def test_an_action_that_waits_for_another_one_for_half_an_hour_needs_a_person(
    order_type: type[Order],
) -> None:
    world = StackWorld().create()
    get_server(world).task_state = "image_uploading"
    operation_id = world.submit(build_order(order_type, instance="Slave0000"))

    world.live(1900)

    attention = world.get_operation(operation_id).attention
    assert "is ACTIVE (image_uploading) for half an hour: look at Nova" in attention
    assert list_taken(world) == []


@pytest.mark.parametrize("kind", [FaultKind.UNANSWERED, FaultKind.UNTAKEN])
@pytest.mark.parametrize("order_type", [MigrateInstance, RestartInstance])
def test_a_lost_answer_of_nova_changes_nothing(order_type: type[Order], kind: FaultKind) -> None:
    world = StackWorld().create()
    world.cloud.faults.append(CloudFault(kind))

    done = world.run(build_order(order_type, instance="Slave0000"))

    assert done.state is OperationState.DONE
    assert len([each for each in world.cloud.taken if not isinstance(each, ConfirmResize)]) == 1
