"""A store was lost, and an empty one is in its place: what the lost one has made is left as it is."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, DeleteCluster, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.orphans import audit_twice
from tests.unit.resources.natives.worlds import KillableStore, World
from tests.unit.resources.rebuild.lost_stores import rebuild

OTHER_STORE = "99999999-0000-4000-8000-000000000000"


@pytest.fixture
def world() -> World:
    """A world whose store was lost. The new one has another id."""
    world = World().create(replicas=1)
    world.store = KillableStore(world.clock, world.killer, OTHER_STORE)
    world.loop = world.start_worker()
    return world


def list_everything(world: World) -> dict[str, object]:
    """Return all resources of the project as they are."""
    project = world.cloud.project
    kinds = (project.servers, project.volumes, project.ports, project.groups, project.server_groups)
    return {each.id: asdict(each) for kind in kinds for each in kind.values()}


def test_an_empty_store_does_nothing_by_itself(world: World) -> None:
    before = list_everything(world)

    world.live(300)

    assert world.cloud.requests == []
    assert list_everything(world) == before


def test_audits_of_another_store_leave_what_the_lost_one_has_made_to_its_rebuild(world: World) -> None:
    findings = audit_twice(world)

    assert findings == ()
    assert [each.cluster.name for each in rebuild(world).clusters] == ["shop"]


def test_a_cluster_of_the_same_name_lives_and_goes_beside_the_lost_one(world: World) -> None:
    before = list_everything(world)

    created = world.run(build_order(CreateCluster, description={"replicas": 1}))
    both = list_everything(world)
    deleted = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert [created.state, deleted.state] == [OperationState.DONE] * 2
    assert len(both) == 2 * len(before)
    assert list_everything(world) == before


def test_an_order_for_the_lost_cluster_touches_nothing(world: World) -> None:
    before = list_everything(world)
    requests: list[CloudRequest] = world.cloud.requests

    world.submit(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    world.live(300)

    assert requests == []
    assert list_everything(world) == before
    assert find_differences(world) != [], "the lost cluster is still there"
