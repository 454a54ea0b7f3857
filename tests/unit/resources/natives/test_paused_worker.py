"""A worker is stopped for longer than its lease, at every boundary, and then goes on with what it knew.

The cloud knows no lease. A request that was about to be sent is sent late, so it can make a twin of a group, a volume
or a port; that twin is never used. A server has no twin, because its volume can be reserved once.
"""

from __future__ import annotations

import pytest

from guestagent.resources.natives.requests import (
    CloudRequest,
    CreateGroup,
    CreatePort,
    CreateVolume,
)
from guestagent.resources.operation import OperationState
from guestagent.resources.store.protocol import LEASE_S
from tests.unit.resources.natives.invariants import find_differences, find_violations
from tests.unit.resources.natives.scenarios import SCENARIOS
from tests.unit.resources.natives.worlds import World

CREATE_UNSAFE: tuple[type[CloudRequest], ...] = (CreateGroup, CreateVolume, CreatePort)
PAUSE_S = int(LEASE_S) + 200


def pause_worker(world: World, boundary: int) -> None:
    """Let another worker do everything while the first one is stopped at the boundary."""
    stopped = world.loop

    def live_with_another() -> None:
        world.clock.sleep(LEASE_S)
        world.loop = world.start_worker()
        world.live(PAUSE_S)
        world.loop = stopped

    world.killer.pause_at, world.killer.pause = boundary, live_with_another


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_worker_that_wakes_up_too_late_damages_nothing(name: str) -> None:
    scenario = SCENARIOS[name]
    rehearsal = scenario.prepare()
    rehearsal.run(scenario.build())
    broken = {}

    for boundary, boundary_name in enumerate(rehearsal.killer.passed):
        world = scenario.prepare()
        pause_worker(world, boundary)
        operation = world.run(scenario.build())
        problems = find_violations(world, scenario.servers_per_volume, scenario.deletes_volumes)
        has_twin = any(world.count_requests(each) > rehearsal.count_requests(each) for each in CREATE_UNSAFE)
        if operation.state is not OperationState.DONE:
            problems.append(f"{operation.state}: {operation.refusal}")
        if problems or (find_differences(world) and not has_twin):
            broken[boundary, boundary_name] = [*problems, *find_differences(world)]

    assert broken == {}


def test_the_late_worker_writes_nothing() -> None:
    scenario = SCENARIOS["create_cluster"]
    world = scenario.prepare()
    pause_worker(world, 2)

    world.run(scenario.build())

    snapshot = world.snapshot
    assert snapshot is not None
    assert {record.attempts for record in snapshot.resources} == {1}
