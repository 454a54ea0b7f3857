"""Audits at every second of every order, with a worker that is killed on the way: nothing of ours is suspicious."""

from __future__ import annotations

import pytest

from guestagent.resources.operation import OperationState
from guestagent.resources.views import FindingKind
from tests.unit.resources.natives.orphans import audit, audit_twice
from tests.unit.resources.natives.scenarios import SCENARIOS
from tests.unit.resources.natives.worlds import World

BOUNDARIES_APART = 9
DAMAGED = {name for name, scenario in SCENARIOS.items() if scenario.damage is not None}
"""Something is missing before the order."""
KEEPING = {"delete_instance_keep", "delete_cluster_keep"}


def count_boundaries(name: str) -> int:
    scenario = SCENARIOS[name]
    world = scenario.prepare()
    world.run(scenario.build())
    return len(world.killer.passed)


def run_with_audits(name: str, death: int) -> tuple[World, set[str]]:
    """Carry out an order, with a kill at this boundary. Return what was suspicious at any second."""
    scenario = SCENARIOS[name]
    world, suspicious = scenario.prepare(), set[str]()
    world.watchers.append(lambda each: suspicious.update(finding.text for finding in audit(each)))
    world.killer.deadly = (death,)
    assert world.run(scenario.build()).state is OperationState.DONE
    return world, suspicious


@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - KEEPING - DAMAGED))
def test_nothing_of_an_order_is_suspicious_at_any_time(name: str) -> None:
    deaths = range(0, count_boundaries(name), BOUNDARIES_APART)

    suspicious = {death: texts for death in deaths if (texts := run_with_audits(name, death)[1])}

    assert suspicious == {}


@pytest.mark.parametrize("name", sorted(KEEPING))
def test_an_order_that_keeps_volumes_leaves_nothing_else(name: str) -> None:
    world, _ = run_with_audits(name, death=1)

    assert {each.kind for each in audit_twice(world)} == {FindingKind.KEPT_VOLUME}
