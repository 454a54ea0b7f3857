"""The switch from NATIVES to MIGRATION: what is old stays where it is, and everything finds its owner."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestagent.controller import Stacks
from guestagent.controller.cluster_file import read_document
from guestagent.errors import OrderRefused
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    CreateCluster,
    DeleteCluster,
    RegisterCluster,
    RenewInstance,
    UnregisterCluster,
    VolumeFate,
)
from guestagent.resources.store.records import ClusterChange
from tests.support.orders import build_order
from tests.unit.resources.migration.migration_worlds import (
    STACK,
    STACK_DESCRIPTION,
    MigrationWorld,
    prepare_migration,
)
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.scenarios import SCENARIOS
from tests.unit.resources.natives.worlds import CLUSTER


@pytest.mark.parametrize("seconds", range(30))
def test_a_cluster_that_is_being_created_at_the_switch_is_finished_by_natives(seconds: int) -> None:
    world = MigrationWorld()
    operation_id = world.submit(build_order(CreateCluster, description={"replicas": 1}))
    world.live(seconds)

    world.switch()
    while not world.get_operation(operation_id).state.is_final:
        world.live()
    world.live(3)

    assert world.get_operation(operation_id).state is OperationState.DONE
    assert find_differences(world) == []
    assert world.heat.accepted == []
    deleted = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    assert deleted.state is OperationState.DONE
    project = world.cloud.project
    assert (project.servers, project.volumes, project.ports, project.groups) == ({}, {}, {}, {})
    assert world.store.clusters() == ()


def test_everything_new_is_a_stack_and_leaves_nothing() -> None:
    world = prepare_migration(SCENARIOS["renew_instance"])
    engines = {summary.name: summary.engine for summary in world.intake.clusters()}

    (deleted,) = world.run_all(build_order(DeleteCluster, cluster=STACK, volumes=VolumeFate.DELETE))

    assert engines == {CLUSTER: "natives", STACK: "orchestrator"}
    assert deleted.state is OperationState.DONE
    assert world.heat.live == {}
    assert [summary.name for summary in world.intake.clusters()] == [CLUSTER]


def test_an_order_that_the_owner_cannot_carry_out_is_refused_by_its_name() -> None:
    world = prepare_migration(SCENARIOS["renew_instance"])

    with pytest.raises(OrderRefused) as refused:
        world.submit(build_order(UnregisterCluster))

    assert (refused.value.code, str(refused.value)) == (
        "unsupported",
        "engine natives cannot do unregister_cluster: capabilities lists what it can do",
    )


def test_an_old_cluster_is_refused_by_a_service_that_no_longer_runs_its_engine() -> None:
    world = prepare_migration(SCENARIOS["renew_instance"])
    orchestrator = world.selection.engines["orchestrator"]
    world.selection = type(world.selection)("orchestrator", {orchestrator.name: orchestrator}, "orchestrator")

    with pytest.raises(OrderRefused, match="set engine = migration"):
        world.submit(build_order(RenewInstance, instance="Master0000"))


def test_a_stack_of_the_command_line_is_registered_beside_old_clusters() -> None:
    world = prepare_migration(SCENARIOS["renew_instance"])
    create_stack(world, "own")

    (registered,) = world.run_all(build_order(RegisterCluster, cluster="own"))

    assert registered.state is OperationState.DONE
    assert world.intake.owner("own").engine == "orchestrator"


def create_stack(world: MigrationWorld, name: str) -> None:
    """Create a stack as the command line does."""
    stacks = Stacks(world.heat)
    stacks.wait(stacks.create(name, read_document(STACK_DESCRIPTION).cluster))


def remove_row(world: MigrationWorld, name: str) -> None:
    """Lose the row of a cluster, as a store that was made anew has lost it."""
    world.clock.sleep(1000)
    while (lease := world.store.claim("test")) is not None:
        if lease.cluster == name:
            lease.write(ClusterChange(is_removed=True))
            return
        lease.release(1000)


OWNERS: list[tuple[str, Callable[[MigrationWorld], None], str]] = [
    (CLUSTER, lambda world: None, "natives"),
    (STACK, lambda world: None, "orchestrator"),
    (CLUSTER, lambda world: remove_row(world, CLUSTER), "natives"),
    (STACK, lambda world: remove_row(world, STACK), "orchestrator"),
    ("own", lambda world: create_stack(world, "own"), "orchestrator"),
    ("other", lambda world: None, "unknown_owner"),
    (CLUSTER, lambda world: create_stack(world, CLUSTER), "two_owners"),
]


@pytest.mark.parametrize(("name", "change", "owner"), OWNERS)
def test_the_owner_follows_from_the_store_the_marks_and_the_stacks(
    name: str, change: Callable[[MigrationWorld], None], owner: str
) -> None:
    world = prepare_migration(SCENARIOS["renew_instance"])
    change(world)

    assert find_owner(world, name) == owner


def find_owner(world: MigrationWorld, name: str) -> str:
    try:
        return world.intake.owner(name).engine
    except OrderRefused as error:
        return str(error.code)
