"""A worker dies at every boundary of every order, and at every pair of boundaries; a new one goes on to the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest

from guestagent.controller import Cluster
from guestagent.resources.natives.requests import (
    ConfirmResize,
    DeleteServer,
    MigrateServer,
    RebootServer,
    RevertResize,
)
from tests.unit.resources.orchestrator.stack_scenarios import STACK_SCENARIOS
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, StackWorld

pytestmark = pytest.mark.timeout(900)
LEAST_CASES = 300
PAIRED = {
    "create_cluster": 1,
    "delete_cluster": 1,
    "migrate_instance": 9,
    "replace_instance": 5,
    "resize_instance": 1,
    "resize_volume": 1,
    "restart_instance": 4,
    "update_rule_cidr": 1,
}
"""Every pair of boundaries of these orders is tried, or every so many: a migration has a thousand."""
SERVER_REQUESTS = RebootServer | MigrateServer | ConfirmResize | RevertResize | DeleteServer
Deaths = tuple[int, ...]
LosesAnswer = Callable[[StackWorld, str], None]
LOSSES: dict[str, LosesAnswer] = {
    "unanswered": lambda world, request: world.heat.loses.append(request),
    "untaken": lambda world, request: world.heat.drops.append(request),
    "late": lambda world, request: world.heat.late_requests.append(request),
}


@cache
def rehearse(name: str) -> tuple[int, Cluster | None, dict[str, tuple[str, int]]]:
    """Return how many boundaries an order passes, and the cluster and volumes that it leaves, when nobody dies."""
    world = STACK_SCENARIOS[name].build_world()
    assert run(world, name) == []
    return len(world.killer.passed), read_cluster(world), list_volumes(world)


def read_cluster(world: StackWorld) -> Cluster | None:
    """Return the stack's cluster without the donor's certificate, which is another one each time."""
    return None if world.cluster is None else replace(world.cluster, donor_certificate=None)


def list_volumes(world: StackWorld) -> dict[str, tuple[str, int]]:
    return {each.id: (each.status, each.size_gib) for each in world.cloud.project.volumes.values()}


def run(world: StackWorld, name: str) -> list[str]:
    """Give the order, live to its end, and return what is not as it should be."""
    scenario = STACK_SCENARIOS[name]
    operation = world.run(scenario.build())
    state = [] if operation.state is scenario.end else [f"{operation.state}: {operation.refusal}"]
    accepted = tuple(world.heat.accepted)
    if "delete" in accepted:  # by id, so that it may be repeated
        accepted = tuple(dict.fromkeys(accepted))
    requests = [] if accepted == scenario.requests else [f"Heat has accepted {accepted}"]
    taken = [request for request in world.cloud.taken if isinstance(request, SERVER_REQUESTS)]
    if tuple(map(type, taken)) != scenario.server_requests:
        requests.append(f"Nova has taken {taken}")
    return [*state, *requests, *list_remains(world, name)]


def list_remains(world: StackWorld, name: str) -> list[str]:
    """Return what is left in the store or in Heat, and should not be."""
    snapshot = world.snapshot
    problems = []
    if len(world.heat.live) > 1 or world.heat.endangered:
        problems.append(f"{world.heat.live.keys()}, {world.heat.endangered}")
    if snapshot is not None and (snapshot.resources or snapshot.queue):
        problems.append(f"{snapshot.resources} {snapshot.queue}")
    if (snapshot is None) != (name in {"delete_cluster", "delete_cluster_keep", "unregister_cluster"}):
        problems.append("the row")
    if snapshot is not None and world.reference.stack_id != world.heat.live[CLUSTER].stack.id:
        problems.append(f"the row leads to {world.reference}")
    return problems


def find_broken_cases(name: str, cases: Iterable[Deaths], loss: str = "") -> dict[object, list[str]]:
    """Give the order once for each case, in a world of its own, and return what went wrong."""
    _, cluster, volumes = rehearse(name)
    broken: dict[object, list[str]] = {}
    for case in cases:
        for request in set(STACK_SCENARIOS[name].requests) if loss else [""]:
            world = STACK_SCENARIOS[name].build_world()
            world.killer.deadly = case
            if loss:
                LOSSES[loss](world, request)
            problems = run(world, name)
            if read_cluster(world) != cluster:
                problems.append(f"another cluster: {world.cluster}")
            if list_volumes(world) != volumes or world.project.growths or world.project.collisions:
                problems.append(f"other volumes: {list_volumes(world)}, {world.project}")
            if problems:
                broken[case, request] = [*problems, *(world.killer.passed[number] for number in case)]
    return broken


@pytest.mark.parametrize(
    ("name", "left"),
    [("delete_cluster", 0), ("delete_cluster_keep", 2), ("delete_instance", 1), ("delete_instance_keep", 2)],
)
def test_only_an_order_that_says_so_deletes_volumes(name: str, left: int) -> None:
    assert len(rehearse(name)[2]) == left


def test_a_volume_grows_before_the_template_says_so() -> None:
    _, cluster, volumes = rehearse("resize_volume")

    assert sorted(size for _, size in volumes.values()) == [10, 20]
    assert cluster is not None
    assert cluster.node("Slave0000").generation == 2


def list_single_deaths(name: str) -> list[Deaths]:
    return [(number,) for number in range(rehearse(name)[0])]


def list_pairs_of_deaths(name: str) -> list[Deaths]:
    pairs: list[Deaths] = [*combinations(range(rehearse(name)[0]), 2)]
    return pairs[:: PAIRED[name]]


@pytest.mark.parametrize("name", STACK_SCENARIOS)
def test_a_kill_at_any_boundary_changes_nothing(name: str) -> None:
    assert find_broken_cases(name, list_single_deaths(name)) == {}


@pytest.mark.parametrize("name", PAIRED)
def test_two_kills_at_any_pair_of_boundaries_change_nothing(name: str) -> None:
    assert find_broken_cases(name, list_pairs_of_deaths(name)) == {}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", STACK_SCENARIOS)
def test_a_lost_answer_to_any_request_changes_nothing(name: str, loss: str) -> None:
    assert find_broken_cases(name, [(), *list_single_deaths(name)], loss) == {}


def test_the_table_has_its_size() -> None:
    single = sum(len(list_single_deaths(name)) for name in STACK_SCENARIOS)
    pairs = sum(len(list_pairs_of_deaths(name)) for name in PAIRED)
    losses = sum(
        len(set(scenario.requests)) * len(LOSSES) * (1 + rehearse(name)[0])
        for name, scenario in STACK_SCENARIOS.items()
    )
    sys.stdout.write(f"{single} kills, {pairs} pairs of kills, {losses} lost answers\n")

    assert single + pairs + losses >= LEAST_CASES
