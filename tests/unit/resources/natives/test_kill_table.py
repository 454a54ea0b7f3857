"""A worker dies at every boundary of every order, and at every pair of boundaries; a new one goes on to the end."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import combinations, product

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.operation import OperationState
from tests.unit.resources.natives.invariants import find_differences, find_violations
from tests.unit.resources.natives.scenarios import PAIRED, SCENARIOS, Scenario
from tests.unit.resources.natives.worlds import World

LEAST_CASES = 1500
LATE_TICKS = 90
PARTS = 4
LOST = {
    "unanswered": CloudFault(FaultKind.UNANSWERED),
    "untaken": CloudFault(FaultKind.UNTAKEN),
    "late": CloudFault(FaultKind.LATE, ticks=LATE_TICKS),
}
Deaths = tuple[int, ...]
"""The boundaries at which a worker dies."""


@cache
def rehearse(name: str) -> tuple[int, tuple[CloudRequest, ...]]:
    """Return how many boundaries an order passes, and what it sends, when nobody dies."""
    scenario = SCENARIOS[name]
    world = scenario.prepare()
    assert find_problems(world, scenario) == []
    return len(world.killer.passed), tuple(world.cloud.requests)


def list_single_deaths(name: str) -> list[Deaths]:
    return [(number,) for number in range(rehearse(name)[0])]


def list_pairs_of_deaths(name: str) -> list[Deaths]:
    return [*combinations(range(rehearse(name)[0]), 2)]


def list_deaths_beside_a_loss(name: str) -> list[Deaths]:
    """Return no death, and one at every fourth boundary."""
    return [(), *((number,) for number in range(0, rehearse(name)[0], 4))]


def list_losses(name: str, kind: str) -> list[CloudFault]:
    """Return the loss of an answer to each type of request: a fault has the first request of its type, and no other."""
    request_types = dict.fromkeys(type(request) for request in rehearse(name)[1])
    return [replace(LOST[kind], request_type=request_type) for request_type in request_types]


def find_problems(world: World, scenario: Scenario) -> list[str]:
    """Give the order, live to its end, and return what is not as it should be."""
    operation = world.run(scenario.build())
    state = [] if operation.state is OperationState.DONE else [f"{operation.state}: {operation.refusal}"]
    violations = find_violations(world, scenario.servers_per_volume, scenario.deletes_volumes)
    return [*state, *violations, *find_differences(world)]


def find_broken_cases(
    name: str, cases: Iterable[Deaths], loss: CloudFault | None = None
) -> dict[Deaths, list[str]]:
    """Give the order once for each case, in a world of its own, and return what went wrong."""
    broken = {}
    scenario = SCENARIOS[name]
    for case in cases:
        world = scenario.prepare()
        world.killer.deadly = case
        world.cloud.faults.extend(() if loss is None else (loss,))
        if problems := find_problems(world, scenario):
            broken[case] = [*problems, *(world.killer.passed[number] for number in case)]
    return broken


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_at_any_boundary_changes_nothing(name: str) -> None:
    assert find_broken_cases(name, list_single_deaths(name)) == {}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", PAIRED)
def test_two_kills_at_any_pair_of_boundaries_change_nothing(name: str, part: int) -> None:
    assert find_broken_cases(name, list_pairs_of_deaths(name)[part::PARTS]) == {}


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_lost_answer_to_any_request_changes_nothing(name: str, kind: str) -> None:
    deaths = list_deaths_beside_a_loss(name)

    broken = {
        loss: found for loss in list_losses(name, kind) if (found := find_broken_cases(name, deaths, loss))
    }

    assert broken == {}


def test_the_table_has_its_size() -> None:
    single = sum(len(list_single_deaths(name)) for name in SCENARIOS)
    pairs = sum(len(list_pairs_of_deaths(name)) for name in PAIRED)
    losses = sum(
        len(list_losses(name, kind)) * len(list_deaths_beside_a_loss(name))
        for name, kind in product(SCENARIOS, LOST)
    )
    sys.stdout.write(f"{single} kills, {pairs} pairs of kills, {losses} lost answers\n")

    assert single + pairs + losses >= LEAST_CASES
