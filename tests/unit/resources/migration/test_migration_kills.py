"""Orders to a cluster of NATIVES and to a stack at the same time, with workers that die at every boundary."""

from __future__ import annotations

import sys
from functools import cache

import pytest

from guestagent.controller import parse
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import Order, RenewInstance
from tests.support.orders import build_order
from tests.unit.resources.migration.migration_worlds import STACK, MigrationWorld, prepare_migration
from tests.unit.resources.natives.invariants import find_differences, find_violations
from tests.unit.resources.natives.scenarios import SCENARIOS

OLD_SCENARIOS = {name: scenario for name, scenario in SCENARIOS.items() if name != "create_cluster"}
LEAST_CASES = 400


def build_stack_order() -> Order:
    order: Order = build_order(RenewInstance, cluster=STACK, instance="Slave0000")
    return order


def find_problems(world: MigrationWorld, name: str) -> list[str]:
    """Give both orders, live to their ends, and return what is not as it should be."""
    scenario = OLD_SCENARIOS[name]
    operations = world.run_all(scenario.build(), build_stack_order())
    snapshot = world.store.read(STACK)
    generation = parse(world.heat.live[STACK].template).node("Slave0000").generation
    return [
        *(str(each) for each in operations if each.state is not OperationState.DONE),
        *find_violations(world, scenario.servers_per_volume, scenario.deletes_volumes),
        *find_differences(world),
        *([] if world.heat.accepted == ["update"] else [f"Heat has accepted {world.heat.accepted}"]),
        *([] if generation == 2 else [f"generation {generation}"]),
        *([] if snapshot is not None and not snapshot.resources else [f"the row of the stack: {snapshot}"]),
    ]


@cache
def count_boundaries(name: str) -> int:
    """Return how many boundaries both orders pass together when nobody dies."""
    world = prepare_migration(OLD_SCENARIOS[name])
    assert find_problems(world, name) == []
    return len(world.killer.passed)


@pytest.mark.parametrize("name", OLD_SCENARIOS)
def test_a_kill_at_any_boundary_changes_nothing_of_either_cluster(name: str) -> None:
    broken = {}
    for boundary in range(count_boundaries(name)):
        world = prepare_migration(OLD_SCENARIOS[name])
        world.killer.deadly = (boundary,)
        if problems := find_problems(world, name):
            broken[boundary] = [*problems, world.killer.passed[boundary]]

    assert broken == {}


def test_the_table_has_its_size() -> None:
    kills = sum(map(count_boundaries, OLD_SCENARIOS))
    sys.stdout.write(f"{kills} kills\n")

    assert kills >= LEAST_CASES
