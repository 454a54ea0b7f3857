"""A server whose host does not answer: Nova forgets it at once, while it may still run and write to its volume.

What tells that it cannot write any more is Cinder: the attachment is gone.
"""

from __future__ import annotations

import pytest

from guestagent.resources.natives.fake_project import FakeAttachment
from guestagent.resources.natives.requests import CreateServer, DeleteVolume
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import DeleteCluster, Order, ReplaceInstance, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World

REPLACEMENT = build_order(ReplaceInstance, instance="Master0000")
DELETION = build_order(DeleteCluster, volumes=VolumeFate.DELETE)


def lose_host() -> tuple[World, FakeAttachment]:
    """Return a world whose server Nova has deleted without its host, and the attachment that Cinder still has."""
    world = World().create()
    (attachment,) = world.cloud.project.attachments.values()
    del world.cloud.project.servers[attachment.server_id]
    for port in world.cloud.project.ports.values():
        port.device_id = ""
    return world, attachment


@pytest.mark.parametrize("order", [DELETION, REPLACEMENT], ids=["delete", "replace"])
def test_a_volume_that_a_lost_server_may_write_to_is_neither_deleted_nor_used(order: Order) -> None:
    world, attachment = lose_host()
    operation_id = world.submit(order)

    world.live(1000)

    operation = world.get_operation(operation_id)
    assert not operation.state.is_final
    assert operation.waiting_for.startswith(f"volume {attachment.volume_id} of Master0000 is ")
    assert operation.waiting_for.endswith(attachment.server_id)
    assert (world.count_requests(DeleteVolume), world.count_requests(CreateServer)) == (0, 0)
    assert attachment in world.cloud.project.attachments.values()


@pytest.mark.parametrize("order", [DELETION, REPLACEMENT], ids=["delete", "replace"])
def test_the_order_goes_on_when_cinder_has_fenced_the_volume(order: Order) -> None:
    world, attachment = lose_host()
    operation_id = world.submit(order)
    world.live(300)

    world.cloud._volumes.release(attachment)
    world.store.retry(operation_id)
    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.DONE
    world.live(100)
    assert find_differences(world) == []
