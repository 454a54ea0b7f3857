"""A worker dies at every boundary of every order, and at every pair of boundaries; a new one goes on to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.operation import OperationState
from tests.unit.resources.natives.invariants import find_differences, find_violations
from tests.unit.resources.natives.scenarios import PAIRED, SCENARIOS, Scenario
from tests.unit.resources.natives.worlds import World

LEAST_CASES = 1500
LATE_TICKS = 90
LOST = {
    "unanswered": CloudFault(FaultKind.UNANSWERED),
    "untaken": CloudFault(FaultKind.UNTAKEN),
    "late": CloudFault(FaultKind.LATE, ticks=LATE_TICKS),
}
CASES: list[int] = []


def count_boundaries(scenario: Scenario) -> int:
    """Return how many boundaries the order passes when nobody dies."""
    world = scenario.prepare()
    assert find_problems(world, scenario) == []
    return len(world.killer.passed)


def find_problems(world: World, scenario: Scenario) -> list[str]:
    """Give the order, live to its end, and return what is not as it should be."""
    operation = world.run(scenario.build())
    state = [] if operation.state is OperationState.DONE else [f"{operation.state}: {operation.refusal}"]
    violations = find_violations(world, scenario.servers_per_volume, scenario.deletes_volumes)
    return [*state, *violations, *find_differences(world)]


def find_broken_cases(
    scenario: Scenario,
    cases: Iterable[tuple[int, ...]],
    arrange: Callable[[World], None] = lambda _world: None,
) -> dict[tuple[int, ...], list[str]]:
    """Run the order once for each case, which is at what boundaries a worker dies. Return what went wrong."""
    broken = {}
    for case in cases:
        world = scenario.prepare()
        world.killer.deadly = case
        arrange(world)
        if problems := find_problems(world, scenario):
            broken[case] = [*problems, *(world.killer.passed[number] for number in case)]
        CASES.append(1)
    return broken


def build_loss(fault: CloudFault) -> Callable[[World], None]:
    """Return a function that lets the next such request of a world be lost."""
    return lambda world: world.cloud.faults.append(fault)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_at_any_boundary_changes_nothing(name: str) -> None:
    scenario = SCENARIOS[name]

    broken = find_broken_cases(scenario, [(number,) for number in range(count_boundaries(scenario))])

    assert broken == {}


@pytest.mark.parametrize("name", PAIRED)
def test_two_kills_at_any_pair_of_boundaries_change_nothing(name: str) -> None:
    scenario = SCENARIOS[name]

    broken = find_broken_cases(scenario, combinations(range(count_boundaries(scenario)), 2))

    assert broken == {}


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_lost_answer_to_any_request_changes_nothing(name: str, kind: str) -> None:
    scenario = SCENARIOS[name]
    world = scenario.prepare()
    world.run(scenario.build())
    broken = {}

    for number, request in enumerate(world.cloud.requests):
        arrange = build_loss(CloudFault(LOST[kind].kind, type(request), ticks=LOST[kind].ticks))
        deaths = [(), *((boundary,) for boundary in range(0, len(world.killer.passed), 4))]
        if found := find_broken_cases(scenario, deaths, arrange):
            broken[number, type(request).__name__] = found

    assert broken == {}


def test_the_table_has_its_size() -> None:
    """Runs last in its file, and alone it has nothing to count."""
    if not CASES:
        pytest.skip("the other tests of this file did not run")

    assert len(CASES) >= LEAST_CASES
