"""What the end of an operation that somebody cancels leaves."""

from __future__ import annotations

import pytest

from guestagent.resources.natives.requests import CreateServer
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    ResizeInstance,
    VolumeFate,
)
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


@pytest.mark.parametrize("second", range(14))
def test_a_cancelled_creation_leaves_nothing_but_used_volumes(second: int) -> None:
    world = World()
    operation_id = world.submit(build_order(CreateCluster, description={"replicas": 1}))
    world.live(second)

    world.store.cancel(operation_id)
    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state in {OperationState.DONE, OperationState.CANCELLED}
    assert (world.wanted is None) == (operation.state is OperationState.CANCELLED)
    world.live(3)
    assert find_differences(world) == []


@pytest.mark.parametrize("second", range(12))
def test_a_cancelled_replica_leaves_the_rest_of_the_cluster(second: int) -> None:
    world = World().create()
    operation_id = world.submit(
        build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5)
    )
    world.live(second)

    world.store.cancel(operation_id)
    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state in {OperationState.DONE, OperationState.CANCELLED}
    wanted = world.wanted
    assert wanted is not None
    assert len(wanted.instances) == (2 if operation.state is OperationState.DONE else 1)
    assert find_differences(world) == []


@pytest.mark.parametrize("second", range(14))
def test_a_cancelled_resize_ends_with_the_old_flavor_or_the_new_one(second: int) -> None:
    world = World().create()
    operation_id = world.submit(build_order(ResizeInstance, instance="Master0000", flavor="m1.large"))
    world.live(second)

    world.store.cancel(operation_id)
    operation = world.await_end(world.get_operation(operation_id))

    flavor = "m1.large" if operation.state is OperationState.DONE else "m1.small"
    assert operation.state in {OperationState.DONE, OperationState.CANCELLED}
    assert (world.server.flavor, world.instance.flavor) == (flavor, flavor)
    world.live(3)
    assert find_differences(world) == []


@pytest.mark.parametrize("second", range(5))
def test_an_order_behind_a_cancelled_creation_does_not_make_the_cluster(second: int) -> None:
    world = World()
    creation = world.submit(build_order(CreateCluster, description={"replicas": 0}))
    addition = world.submit(
        build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5)
    )
    deletion = world.submit(build_order(DeleteCluster, volumes=VolumeFate.KEEP))

    world.live(second)

    world.store.cancel(creation)
    ended = [world.await_end(world.get_operation(each)) for each in (creation, addition, deletion)]

    assert [each.state for each in ended] == [
        OperationState.CANCELLED,
        OperationState.FAILED,
        OperationState.FAILED,
    ]
    assert {each.refusal.message for each in ended[1:] if each.refusal} == {"there is no cluster shop"}
    world.live(3)
    assert world.snapshot is None
    assert find_differences(world) == []


def test_a_stuck_creation_can_be_cancelled() -> None:
    world = World()
    world.cloud.project.limits.has_host = False
    operation = world.run_until_stuck(build_order(CreateCluster, description={"replicas": 0}))

    world.store.cancel(operation.id)

    assert world.await_end(operation).state is OperationState.CANCELLED
    assert world.count_requests(CreateServer) == 3
    assert world.cloud.project.volumes == {}, "nobody ever used it"
    assert world.snapshot is None
