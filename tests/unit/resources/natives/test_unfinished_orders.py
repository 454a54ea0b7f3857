"""Orders that the cloud does not let end, and what becomes of a cluster afterwards; and the order of a deletion."""

from __future__ import annotations

import pytest

from guestagent.resources.natives.ending import ATTENTION_LIMIT_S
from guestagent.resources.natives.requests import CreateServer, DeleteGroup, DeleteServer
from guestagent.resources.operation import Operation, OperationState, RefusalCode
from guestagent.resources.orders import AddInstance, CreateCluster, DeleteCluster, RenewInstance, VolumeFate
from guestagent.resources.views import InstanceState
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def fail_to_create(world: World, replicas: int = 0) -> Operation:
    """Give the order for a cluster, and do nothing about what it needs."""
    operation = world.run_until_stuck(build_order(CreateCluster, description={"replicas": replicas}))
    assert operation.state is OperationState.RUNNING
    world.live(int(ATTENTION_LIMIT_S) + 60)
    return world.get_operation(operation.id)


@pytest.fixture
def full_world() -> World:
    world = World()
    world.cloud.project.limits.servers = 2
    return world


def test_a_creation_that_nobody_helps_fails_with_the_code_of_what_it_needs(full_world: World) -> None:
    operation = fail_to_create(full_world, replicas=2)

    assert operation.refusal is not None
    assert (operation.state, operation.refusal.code) == (OperationState.FAILED, RefusalCode.QUOTA)
    assert "retry" not in operation.refusal.message
    assert len(full_world.cloud.project.servers) == 2, "what is there goes on"


def test_a_creation_without_a_host_is_tried_three_times_and_never_again_by_itself() -> None:
    world = World()
    world.cloud.project.limits.has_host = False

    operation = fail_to_create(world)
    world.live(600)

    assert operation.refusal is not None
    assert operation.refusal.code is RefusalCode.NO_CAPACITY
    assert world.count_requests(CreateServer) == 3
    assert "the next order of the cluster tries again" in world.attention


def test_the_next_order_tries_again_what_has_failed(full_world: World) -> None:
    fail_to_create(full_world, replicas=2)
    full_world.cloud.project.limits.servers = 3

    operation = full_world.run(build_order(RenewInstance, instance="Slave0001"))

    assert operation.state is OperationState.DONE
    assert find_differences(full_world) == []


def test_a_cluster_whose_creation_has_failed_can_be_deleted(full_world: World) -> None:
    fail_to_create(full_world, replicas=2)

    operation = full_world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert operation.state is OperationState.DONE
    assert full_world.snapshot is None
    assert full_world.cloud.project.volumes == {}


def test_a_replica_that_fails_leaves_the_way_free_for_other_orders() -> None:
    world = World().create()
    world.cloud.project.limits.servers = 1
    addition = build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5)
    stuck = world.run_until_stuck(addition)

    world.live(int(ATTENTION_LIMIT_S) + 60)
    other = world.run(build_order(RenewInstance, instance="Master0000"))

    assert world.get_operation(stuck.id).state is OperationState.FAILED
    assert other.state is OperationState.DONE


def test_replicas_are_removed_before_their_source_and_groups_last() -> None:
    world = World().create(replicas=2)
    servers = {each.id: each.metadata["guestagent:instance"] for each in world.cloud.project.servers.values()}

    world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    deletions = [each for each in world.cloud.requests if isinstance(each, DeleteServer)]
    assert [servers[each.server_id] for each in deletions] == ["Slave0000", "Slave0001", "Master0000"]
    assert isinstance(world.cloud.requests[-1], DeleteGroup)


def test_an_order_that_arrives_while_its_cluster_is_removed_fails_and_leaves_no_row() -> None:
    world = World().create()
    deletions = [world.submit(build_order(DeleteCluster, volumes=VolumeFate.DELETE)) for _ in range(2)]
    late_id = world.submit(build_order(RenewInstance, instance="Master0000"))

    world.live(200)

    ended = [world.get_operation(each).state for each in (*deletions, late_id)]
    assert ended == [OperationState.DONE, OperationState.FAILED, OperationState.FAILED]
    assert world.snapshot is None


def test_a_signal_that_comes_long_after_its_order_has_failed_still_counts() -> None:
    """The endpoint could not be reached for an hour, and the agents have kept their signals."""
    world = World()
    world.silent_guests.add("Master0000")
    failed = world.run(build_order(CreateCluster, description={"replicas": 0}))
    world.live(3600)
    requests = len(world.cloud.requests)

    world.silent_guests.clear()
    world.live(60)

    assert failed.state is OperationState.FAILED
    assert world.snapshot is not None
    assert [each.state for each in world.engine.list_instances(world.snapshot)] == [InstanceState.READY]
    assert len(world.cloud.requests) == requests
