"""Followers of a stack: what the store has of them, and what Heat gets."""

from __future__ import annotations

from guestagent.controller import parse
from guestagent.controller.follower import Follower
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.following import Admission
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import OperationState
from guestagent.resources.orchestrator.engine import OrchestratorEngine
from guestagent.resources.source_directory import SourceDirectory
from tests.unit.resources.natives.worlds import RING
from tests.unit.resources.orchestrator.stack_scenarios import STACK_SCENARIOS
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, SETTLE_S


def test_an_admitted_follower_can_be_told_where_the_source_is() -> None:
    scenario = STACK_SCENARIOS["admit_follower"]
    world = scenario.build_world()

    assert world.run(scenario.build()).state is OperationState.DONE

    snapshot = world.store.read(CLUSTER)
    assert snapshot is not None
    live = world.heat.live[CLUSTER]
    (follower,) = parse(live.template).followers
    password = RING.derive_follower_password("k1", snapshot.cluster.id, "reports")
    assert follower == Follower("reports", "198.51.100.0/24")
    assert password in live.parameters.values()
    assert world.reference is not None
    assert world.reference.admissions == (Admission("reports", "198.51.100.0/24", "k1"),)
    assert world.reference.source_address


def test_a_follower_whose_account_is_not_proved_is_not_admitted_and_can_be_admitted_again() -> None:
    scenario = STACK_SCENARIOS["admit_follower_unproved"]
    world = scenario.build_world()

    failed = world.run(scenario.build())
    assert failed.state is OperationState.FAILED
    assert world.reference is not None
    assert world.reference.admissions == ()

    assert world.run(scenario.build()).state is OperationState.DONE


def test_without_keys_no_follower_is_admitted() -> None:
    world = STACK_SCENARIOS["create_cluster"].build_world()
    sources = SourceDirectory(world.store, None)

    engine = OrchestratorEngine(
        world.heat, world.project, world.cloud, world.store.id, world.store, sources, SETTLE_S
    )

    offered = OrderIntake(world.store, select_engine(engine)).capabilities().orders
    assert "create_cluster" in offered
    assert not {"admit_follower", "revoke_follower"} & set(offered)
