"""Flavors that are ordered by their ids. Nova shows the flavor of a server by its name alone."""

from __future__ import annotations

from guestagent.resources.natives.fake_inventory import FLAVORS
from guestagent.resources.natives.requests import ResizeServer
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import AddInstance, ResizeInstance
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World

IDS = {flavor.name: flavor.id for flavor in FLAVORS}


def list_drift(world: World) -> list[str]:
    assert world.snapshot is not None
    return [text for view in world.engine.list_instances(world.snapshot) for text in view.drift]


def test_a_resize_to_a_flavor_by_its_id_is_done() -> None:
    world = World().create()

    operation = world.run(build_order(ResizeInstance, instance="Master0000", flavor=IDS["m1.large"]))

    assert operation.state is OperationState.DONE, operation
    assert (world.instance.flavor, world.server.flavor) == ("m1.large", "m1.large")
    assert list_drift(world) == []


def test_a_resize_to_the_flavor_that_it_has_sends_nothing() -> None:
    world = World().create()

    operation = world.run(build_order(ResizeInstance, instance="Master0000", flavor=IDS["m1.small"]))

    assert operation.state is OperationState.DONE, operation
    assert world.count_requests(ResizeServer) == 0


def test_a_failed_resize_by_id_returns_to_the_old_flavor() -> None:
    world = World().create()
    world.failing_guests.add("Master0000")

    operation = world.run(build_order(ResizeInstance, instance="Master0000", flavor=IDS["m1.large"]))

    assert operation.state is OperationState.FAILED
    assert operation.refusal is not None
    assert operation.refusal.message.startswith("Master0000 is back on m1.small")
    assert (world.instance.flavor, world.server.flavor) == ("m1.small", "m1.small")


def test_an_instance_that_was_made_by_id_has_no_drift_and_gets_the_name() -> None:
    world = World().create()
    order = build_order(AddInstance, flavor=IDS["m1.medium"], image="guestagent-mariadb", volume_gib=1)

    operation = world.run(order)

    assert operation.state is OperationState.DONE, operation
    assert world.wanted is not None
    assert world.wanted.instances[1].flavor == "m1.medium"
    assert list_drift(world) == []
    assert find_differences(world) == []


def test_a_flavor_that_somebody_else_gave_a_server_is_drift() -> None:
    world = World().create()
    world.server.flavor = "m1.large"
    world.live(70)

    text = f"server {world.server.id} has flavor m1.large instead of m1.small"
    assert list_drift(world) == [text]
    assert world.instance.flavor == "m1.small"
