"""Resizes, migrations and restarts that fail as real ones do: mostly in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestagent.resources.natives.requests import ConfirmResize, ResizeServer, RevertResize
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import (
    Order,
    ResizeFailure,
    ResizeInstance,
)
from tests.support.orders import build_order
from tests.unit.resources.natives.action_orders import get_refusal, grow, migrate, resize, restart
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def test_a_resize_is_confirmed_only_after_the_node_has_proved_itself() -> None:
    world = World().create()
    world.silent_guests.add("Master0000")
    operation_id = world.submit(resize())
    world.live(300)
    assert world.server.status == "VERIFY_RESIZE"
    assert world.count_requests(ConfirmResize) == 0
    world.silent_guests.clear()

    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.DONE
    assert (world.server.flavor, world.server.status) == ("m1.large", "ACTIVE")
    assert world.instance.previous_flavor is None


@pytest.mark.parametrize("build", [resize, migrate])
def test_a_move_without_a_host_fails_soon_and_leaves_the_old_flavor(build: Callable[[], Order]) -> None:
    world = World().create()
    world.cloud.project.limits.has_other_host = False
    began_at = world.clock.time

    operation = world.run(build())

    assert get_refusal(operation)[0] is RefusalCode.NO_CAPACITY
    assert world.clock.time - began_at < 20
    assert world.instance.flavor == "m1.small"
    assert find_differences(world) == []


@pytest.mark.parametrize("build", [resize, migrate])
def test_a_node_that_fails_after_a_move_returns_to_its_old_host(build: Callable[[], Order]) -> None:
    world = World().create()
    world.failing_guests.add("Master0000")

    operation = world.run(build())

    assert "disk full" in get_refusal(operation)[1]
    assert world.count_requests(RevertResize) == 1
    assert (world.server.flavor, world.server.status) == ("m1.small", "ACTIVE")
    assert world.instance.flavor == "m1.small"


def test_a_silent_node_returns_at_its_deadline() -> None:
    world = World().create()
    world.silent_guests.add("Master0000")

    operation = world.run(resize())

    assert "did not prove itself" in get_refusal(operation)[1]
    assert world.server.flavor == "m1.small"


def test_the_new_flavor_stays_if_the_order_says_so() -> None:
    world = World().create()
    world.failing_guests.add("Master0000")

    operation = world.run(resize(ResizeFailure.KEEP))

    assert "disk full" in get_refusal(operation)[1]
    assert (world.server.flavor, world.server.status) == ("m1.large", "ACTIVE")
    assert find_differences(world) == []


@pytest.mark.parametrize("build", [resize, migrate])
def test_a_cloud_that_confirms_by_itself_is_fine(build: Callable[[], Order]) -> None:
    world = World().create()
    world.cloud.project.limits.confirms_resizes = True

    operation = world.run(build())

    assert operation.state is OperationState.DONE
    assert world.count_requests(ConfirmResize) == 0
    assert find_differences(world) == []


def test_a_resize_that_ends_in_error_fails_and_a_hard_restart_brings_the_server_back() -> None:
    world = World().create()
    world.cloud.project.limits.fails_resize = True

    operation = world.run(resize())

    assert get_refusal(operation)[0] is RefusalCode.ATTENTION
    world.live(90)
    assert "is in ERROR" in world.attention
    assert world.run(restart(hard=True)).state is OperationState.DONE
    assert find_differences(world) == []
    world.live(90)
    assert world.attention == ""


def test_a_resize_to_the_present_flavor_needs_no_request() -> None:
    world = World().create()

    operation = world.run(build_order(ResizeInstance, instance="Master0000", flavor="m1.small"))

    assert operation.state is OperationState.DONE
    assert world.cloud.requests == []


def test_a_stopped_server_is_not_resized() -> None:
    world = World().create()
    world.server.status = "SHUTOFF"

    operation = world.run(resize())

    assert "SHUTOFF" in get_refusal(operation)[1]
    assert world.count_requests(ResizeServer) == 0
    assert world.instance.flavor == "m1.small"


def test_a_resize_waits_for_a_volume_that_is_extending() -> None:
    world = World().create()
    world.volume.status, world.volume.countdown, world.volume.wanted_gib = "extending", 200, 10

    operation = world.run(resize())

    assert operation.state is OperationState.DONE
    assert find_differences(world) == []


@pytest.mark.parametrize("status", ["attaching", "detaching", "reserved"])
def test_a_resize_waits_for_a_volume_that_is_not_in_use(status: str) -> None:
    world = World().create()
    world.volume.status = status
    operation_id = world.submit(resize())
    world.live(60)
    assert f"is {status}" in world.get_operation(operation_id).waiting_for
    assert world.count_requests(ResizeServer) == 0

    world.volume.status = "in-use"
    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.DONE


@pytest.mark.parametrize("build", [resize, migrate, grow])
def test_nothing_is_requested_with_a_volume_in_error(build: Callable[[], Order]) -> None:
    world = World().create()
    world.volume.status = "error_extending"

    operation = world.run(build())

    assert "administrator has to reset its state" in get_refusal(operation)[1]
    assert world.cloud.requests == []
    assert (world.instance.flavor, world.instance.volume.size_gib) == ("m1.small", 10)


def test_a_soft_restart_that_fails_is_not_taken_for_done() -> None:
    world = World().create()
    world.cloud.project.limits.fails_reboot = True

    operation = world.run(restart())

    assert "the restart of Master0000 failed" in get_refusal(operation)[1]
    assert world.run(restart(hard=True)).state is OperationState.DONE


def test_a_failed_order_does_not_hold_up_the_next_one() -> None:
    world = World().create()
    world.cloud.project.limits.has_other_host = False
    world.run(resize())
    world.cloud.project.limits.has_other_host = True

    assert world.run(resize()).state is OperationState.DONE
    assert world.server.flavor == "m1.large"
