"""The server group of a cluster: made before its first server, deleted after its last, and done without if need be."""

from __future__ import annotations

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.fake_project import FakeServerGroup
from guestagent.resources.natives.requests import CreateServer, CreateServerGroup, DeleteServerGroup
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import AddInstance, CreateCluster, DeleteCluster, Order, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def create(replicas: int = 1) -> Order:
    order: Order = build_order(CreateCluster, description={"replicas": replicas})
    return order


def add_replica() -> Order:
    order: Order = build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5)
    return order


def list_hints(world: World) -> list[str | None]:
    return [each.server_group for each in world.cloud.requests if isinstance(each, CreateServer)]


def list_events(world: World) -> list[str]:
    return [event.text for event in world.store.events("shop")]


def test_all_servers_of_a_cluster_are_in_its_group() -> None:
    world = World()

    world.run(create(replicas=2))
    world.run(add_replica())

    (group,) = world.cloud.project.server_groups.values()
    assert group.policy == "soft-anti-affinity"
    assert group.members == world.cloud.project.servers.keys()
    assert len(group.members) == 4


def test_the_group_goes_with_its_cluster_after_the_last_server() -> None:
    world = World().create(replicas=1)

    world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert world.cloud.project.server_groups == {}
    kinds = [type(request).__name__ for request in world.cloud.requests]
    assert kinds.index("DeleteServerGroup") > max(
        number for number, kind in enumerate(kinds) if kind in {"DeleteServer", "DeletePort", "DeleteVolume"}
    )


@pytest.mark.parametrize("limit", ["quota", "policy"])
def test_a_cloud_that_refuses_the_group_gets_the_servers_without(limit: str) -> None:
    world = World()
    if limit == "quota":
        world.cloud.project.limits.server_groups = 0
    else:
        world.cloud.project.limits.has_server_groups = False

    operation = world.run(create())

    assert operation.state is OperationState.DONE
    assert list_hints(world) == [None, None]
    refusals = [text for text in list_events(world) if "refused" in text]
    expected = "the cloud refused to create the server group of shop (quota): Quota exceeded, too many server groups."
    assert refusals == ([expected] if limit == "quota" else [])


def test_a_server_for_which_the_group_has_no_room_is_created_without() -> None:
    world = World()
    world.cloud.project.limits.server_group_members = 1

    operation = world.run(create())

    assert operation.state is OperationState.DONE
    assert find_differences(world) == []
    assert [hint is None for hint in list_hints(world)] == [False, False, True]
    assert any("too many servers in group" in text for text in list_events(world))


def test_a_group_that_was_refused_is_asked_for_again_with_the_next_server() -> None:
    world = World()
    world.cloud.project.limits.server_groups = 0
    world.run(create(replicas=0))
    world.cloud.project.limits.server_groups = 1

    world.run(add_replica())

    (group,) = world.cloud.project.server_groups.values()
    assert len(group.members) == 1


def test_a_group_that_somebody_deleted_is_made_again_for_the_next_server() -> None:
    world = World().create()
    world.cloud.project.server_groups.clear()
    world.live(100)
    assert world.count_requests(CreateServerGroup) == 0

    world.run(add_replica())

    (group,) = world.cloud.project.server_groups.values()
    assert len(group.members) == 1
    assert "the server group of shop was deleted by somebody else" in list_events(world)


def test_another_clusters_group_of_any_name_is_left_alone() -> None:
    world = World()
    world.cloud.project.server_groups["other"] = FakeServerGroup("other", "ga-shop", "anti-affinity")
    world.run(create(replicas=0))

    world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert list(world.cloud.project.server_groups) == ["other"]
    assert world.count_requests(DeleteServerGroup) == 1


@pytest.mark.parametrize("kind", [FaultKind.UNANSWERED, FaultKind.LATE])
def test_a_group_whose_answer_is_lost_is_found_by_its_name(kind: FaultKind) -> None:
    world = World()
    world.cloud.faults.append(CloudFault(kind, CreateServerGroup, ticks=60))

    operation = world.run(create(replicas=0))

    assert operation.state is OperationState.DONE
    assert world.count_requests(CreateServerGroup) == 1
    assert len(world.cloud.project.server_groups) == 1


def test_a_creation_that_is_cancelled_leaves_no_group() -> None:
    world = World()
    operation_id = world.submit(create())
    world.live(6)

    world.store.cancel(operation_id)

    assert world.await_end(world.get_operation(operation_id)).state is OperationState.CANCELLED
    assert world.cloud.project.server_groups == {}
