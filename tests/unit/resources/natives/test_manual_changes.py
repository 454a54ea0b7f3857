"""What people do to a cluster's resources by hand, and what NATIVES makes of it: it repairs little, and names much."""

from __future__ import annotations

import pytest

from guestagent.resources.natives.fake_project import FakeServer
from guestagent.resources.natives.requests import ConfirmResize, RevertResize
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import DeleteCluster, Order, ResizeInstance, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def resize() -> Order:
    order: Order = build_order(ResizeInstance, instance="Master0000", flavor="m1.large")
    return order


def resize_until_verified() -> tuple[World, str]:
    """Return a world whose resized node has not proved itself yet, and the operation's id."""
    world = World().create()
    world.silent_guests.add("Master0000")
    operation_id = world.submit(resize())
    while world.server.status != "VERIFY_RESIZE":
        world.live()
    world.live(10)
    world.cloud.requests.clear()
    return world, operation_id


def test_a_detached_data_volume_is_named_and_not_attached_again() -> None:
    world = World().create()
    (attachment,) = world.cloud.project.attachments.values()
    world.cloud._volumes.release(attachment)

    world.live(200)

    assert "is not attached to its server" in world.attention
    assert world.cloud.requests == []


def test_a_second_server_with_the_marks_of_ours_is_left_alone_until_its_cluster_goes() -> None:
    world = World().create()
    own = world.server
    twin = FakeServer(
        "twin", own.name, own.flavor, "", "", "00000000", dict(own.metadata), "", "ACTIVE", task_state=None
    )
    world.cloud.project.servers["twin"] = twin

    world.live(300)

    assert world.cloud.requests == []
    operation = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    assert operation.state is OperationState.DONE
    assert world.cloud.project.servers == {}


def test_marks_that_somebody_removed_change_nothing() -> None:
    world = World().create()
    world.server.metadata.clear()
    world.volume.metadata.clear()

    world.live(300)

    assert world.cloud.requests == []
    operation = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    assert operation.state is OperationState.DONE
    assert (world.cloud.project.servers, world.cloud.project.volumes) == ({}, {})


def test_a_resize_that_somebody_confirmed_ends_when_the_node_has_proved_itself() -> None:
    world, operation_id = resize_until_verified()
    world.cloud._compute.confirm(ConfirmResize(server_id=world.server.id))
    world.live(10)
    world.silent_guests.clear()

    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.DONE
    assert world.count_requests(ConfirmResize) == 0
    assert find_differences(world) == []


def test_a_resize_that_somebody_reverted_has_failed() -> None:
    world, operation_id = resize_until_verified()
    world.cloud._compute.revert(RevertResize(server_id=world.server.id))

    operation = world.await_end(world.get_operation(operation_id))

    assert operation.refusal is not None
    assert (operation.refusal.code, operation.refusal.message) == (
        RefusalCode.REFUSED,
        "Master0000 was returned to m1.small by somebody else",
    )
    assert world.instance.flavor == "m1.small"


def test_a_revert_that_ends_in_error_needs_a_person_and_leaves_the_volume() -> None:
    world, operation_id = resize_until_verified()
    world.store.cancel(operation_id)
    while not world.count_requests(RevertResize):
        world.live()
    world.live(2)
    world.server.status, world.server.task_state, world.server.fault = "ERROR", None, "host lost"
    world.server.upcoming.clear()
    world.server.outcome = ""

    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.CANCELLED
    world.live(100)
    assert "is in ERROR: host lost" in world.attention
    assert world.volume.status == "in-use"


@pytest.mark.parametrize("times", [1, 4])
def test_a_server_created_by_somebody_for_our_volume_is_named(times: int) -> None:
    world = World().create()
    stranger = FakeServer("strange", "web", "m1.small", "", world.volume.id, "9", {}, "", "ACTIVE", None)
    world.cloud.project.servers["strange"] = stranger
    for attachment in world.cloud.project.attachments.values():
        attachment.server_id = "strange"

    world.live(100 * times)

    assert world.cloud.requests == []
