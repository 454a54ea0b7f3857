"""Resizes, migrations, restarts and growths that fail as real ones do: mostly in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestagent.resources.natives.requests import ConfirmResize, GrowVolume, ResizeServer, RevertResize
from guestagent.resources.operation import Operation, OperationState, RefusalCode
from guestagent.resources.orders import (
    MigrateInstance,
    Order,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
)
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def resize(on_failure: ResizeFailure = ResizeFailure.REVERT) -> Order:
    order: Order = build_order(
        ResizeInstance, instance="Master0000", flavor="m1.large", on_failure=on_failure
    )
    return order


def migrate() -> Order:
    order: Order = build_order(MigrateInstance, instance="Master0000")
    return order


def grow() -> Order:
    order: Order = build_order(ResizeVolume, instance="Master0000", size_gib=20)
    return order


def restart(hard: bool = False) -> Order:
    order: Order = build_order(RestartInstance, instance="Master0000", hard=hard)
    return order


def get_refusal(operation: Operation) -> tuple[RefusalCode, str]:
    assert operation.state is OperationState.FAILED
    assert operation.refusal is not None
    return operation.refusal.code, operation.refusal.message


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


def test_a_soft_restart_that_fails_is_not_taken_for_done() -> None:
    world = World().create()
    world.cloud.project.limits.fails_reboot = True

    operation = world.run(restart())

    assert "the restart of Master0000 failed" in get_refusal(operation)[1]
    assert world.run(restart(hard=True)).state is OperationState.DONE


def test_a_driver_that_cannot_grow_leaves_the_old_size_and_says_why() -> None:
    world = World().create()
    world.cloud.project.limits.fails_volume_growth = True

    operation = world.run(grow())

    assert "Driver failed to extend volume" in get_refusal(operation)[1]
    assert world.instance.volume.size_gib == 10


def test_a_growth_that_the_server_does_not_see_is_not_done() -> None:
    world = World().create()
    world.cloud.project.limits.fails_disk_growth = True

    operation = world.run(grow())

    assert get_refusal(operation)[0] is RefusalCode.ATTENTION
    assert "hard restart" in get_refusal(operation)[1]
    assert world.instance.volume.size_gib == 20
    assert world.count_requests(GrowVolume) == 1


def test_a_growth_that_the_server_did_not_see_is_done_after_a_hard_restart() -> None:
    world = World().create()
    world.cloud.project.limits.fails_disk_growth = True
    world.silent_guests.add("Master0000")
    world.run(grow())
    world.silent_guests.clear()

    assert world.run(restart(hard=True)).state is OperationState.DONE
    assert world.run(grow()).state is OperationState.DONE
    assert world.count_requests(GrowVolume) == 1


def test_a_growth_waits_for_the_bytes_of_the_guest() -> None:
    world = World().create()
    world.silent_guests.add("Master0000")
    operation_id = world.submit(grow())
    world.live(300)
    waiting = world.get_operation(operation_id)
    world.silent_guests.clear()

    operation = world.await_end(world.get_operation(operation_id))

    assert (waiting.state, waiting.waiting_for) == (
        OperationState.RUNNING,
        "Master0000 has not proved itself yet",
    )
    assert operation.state is OperationState.DONE


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("silent_guests", "did not prove itself within 900 s"),
        ("failing_guests", "disk full"),
        ("blind_guests", "its file system has an older size"),
    ],
)
def test_a_growth_that_the_guest_does_not_prove_fails_with_the_way_out(kind: str, reason: str) -> None:
    world = World().create()
    getattr(world, kind).add("Master0000")

    operation = world.run(grow())

    code, message = get_refusal(operation)
    assert code is RefusalCode.ATTENTION
    assert reason in message
    assert "has grown to 20 GiB, not seen by the guest" in message
    assert "guestagent volume show" in message
    assert world.instance.volume.size_gib == 20


def test_a_growth_that_is_cancelled_while_the_guest_proves_it_stays() -> None:
    world = World().create()
    world.silent_guests.add("Master0000")
    operation_id = world.submit(grow())
    world.live(60)

    world.store.cancel(operation_id)
    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.CANCELLED
    assert world.instance.volume.size_gib == 20


def test_a_growth_over_the_quota_changes_nothing() -> None:
    world = World().create()
    world.cloud.project.limits.gibibytes = 15

    operation = world.run(grow())

    assert get_refusal(operation)[0] is RefusalCode.QUOTA
    assert world.instance.volume.size_gib == 10
    assert find_differences(world) == []


def test_a_failed_order_does_not_hold_up_the_next_one() -> None:
    world = World().create()
    world.cloud.project.limits.has_other_host = False
    world.run(resize())
    world.cloud.project.limits.has_other_host = True

    assert world.run(resize()).state is OperationState.DONE
    assert world.server.flavor == "m1.large"
