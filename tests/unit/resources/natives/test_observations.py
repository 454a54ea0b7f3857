"""Lists that are old, incomplete or not there, and clouds that do not answer: nothing is decided from them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import CreateServer
from guestagent.resources.operation import OperationState
from tests.unit.resources.natives.invariants import find_differences, find_violations
from tests.unit.resources.natives.scenarios import SCENARIOS
from tests.unit.resources.natives.worlds import World


def make_every_list_stale(world: World) -> None:
    world.cloud.is_stale = True


def make_every_third_list_stale(world: World) -> None:
    world.cloud.is_stale = world.cloud.project.ticks % 3 == 0


@pytest.mark.parametrize("watch", [make_every_list_stale, make_every_third_list_stale])
@pytest.mark.parametrize("name", SCENARIOS)
def test_old_lists_change_nothing(name: str, watch: Callable[[World], None]) -> None:
    scenario = SCENARIOS[name]
    world = scenario.prepare()
    world.watchers.append(watch)

    operation = world.run(scenario.build())

    assert operation.state is OperationState.DONE
    assert find_violations(world, scenario.servers_per_volume, scenario.deletes_volumes) == []
    assert find_differences(world) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_order_waits_for_a_cloud_that_is_away(name: str) -> None:
    scenario = SCENARIOS[name]
    world = scenario.prepare()
    operation_id = world.submit(scenario.build())
    world.live(2)
    world.cloud.is_down = True
    world.live(300)
    requests = len(world.cloud.requests)
    world.cloud.is_down = False

    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.DONE
    assert requests <= len(world.cloud.requests)
    assert find_differences(world) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_decided_while_a_cell_is_down(name: str) -> None:
    scenario = SCENARIOS[name]
    world = scenario.prepare()
    world.cloud.is_cell_down = True
    operation_id = world.submit(scenario.build())

    world.live(300)

    assert world.cloud.requests == []
    assert "does not answer" in world.get_operation(operation_id).waiting_for
    world.cloud.is_cell_down = False
    assert world.await_end(world.get_operation(operation_id)).state is OperationState.DONE


def test_a_lost_server_in_a_cell_that_is_down_is_not_created_again() -> None:
    scenario = SCENARIOS["create_cluster"]
    world = scenario.prepare()
    world.cloud.faults.append(CloudFault(FaultKind.UNANSWERED, CreateServer))
    operation_id = world.submit(scenario.build())
    while not world.count_requests(CreateServer):
        world.live()
    world.cloud.is_cell_down = True

    world.live(600)

    assert world.count_requests(CreateServer) == 1
    world.cloud.is_cell_down = False
    assert world.await_end(world.get_operation(operation_id)).state is OperationState.DONE
    assert find_differences(world) == []


def test_a_cloud_that_is_away_is_named() -> None:
    world = World().create()
    world.cloud.is_down = True

    operation_id = world.submit(SCENARIOS["resize_volume"].build())
    world.live(5)

    assert world.get_operation(operation_id).waiting_for == "the fake cloud is down"


def test_resources_of_another_store_are_left_alone() -> None:
    world = World().create()
    for resources in (world.cloud.project.servers, world.cloud.project.volumes):
        for resource in [*resources.values()]:
            resource.metadata["guestagent:store"] = "11111111-0000-4000-8000-000000000000"

    world.live(90)

    assert world.cloud.requests == []
    assert world.attention == ""
