"""A new stack follows an old source of NATIVES, with workers that die at every boundary of the four orders."""

from __future__ import annotations

import sys
from functools import cache

import pytest

from guestagent.controller import parse
from guestagent.controller.external_source import ExternalSource
from guestagent.errors import OrderRefused
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AdmitFollower,
    CreateCluster,
    DeleteCluster,
    Order,
    RevokeFollower,
    VolumeFate,
)
from guestagent.resources.store.records import ResourceKind
from tests.support.orders import build_order
from tests.unit.resources.migration.migration_worlds import (
    STACK,
    STACK_DESCRIPTION,
    MigrationWorld,
)
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.scenarios import OTHER_NETWORK
from tests.unit.resources.natives.worlds import CLUSTER, RING

LEAST_CASES = 30
FOLLOWING = {**STACK_DESCRIPTION, "source": {"cluster": CLUSTER}}


def prepare() -> MigrationWorld:
    """Return a world with a cluster of NATIVES, in which new clusters are stacks."""
    world = MigrationWorld()
    assert world.run(build_order(CreateCluster, description={"replicas": 0})).state is OperationState.DONE
    world.switch()
    world.forget_history()
    return world


def admit() -> Order:
    order: Order = build_order(AdmitFollower, follower=STACK, follower_network=OTHER_NETWORK)
    return order


def follow() -> Order:
    order: Order = build_order(CreateCluster, cluster=STACK, description=FOLLOWING)
    return order


def run(world: MigrationWorld, order: Order) -> list[str]:
    """Give an order, live to its end, and return how it failed."""
    (operation,) = world.run_all(order)
    return [] if operation.state is OperationState.DONE else [str(operation)]


def find_broken_account(world: MigrationWorld) -> list[str]:
    """Return how the stack's source and password differ from those of the cluster that it follows."""
    snapshot = world.snapshot
    assert snapshot is not None
    (address,) = (each.address for each in snapshot.resources if each.key.kind is ResourceKind.PORT)
    live = world.heat.live[STACK]
    source = parse(live.template).source
    password = RING.derive_follower_password("", snapshot.cluster.id, STACK)
    return [
        *([] if source == ExternalSource(address, f"follower_{STACK}") else [str(source)]),
        *([] if [*live.parameters.values()] == [password] else ["another password"]),
    ]


def find_problems(world: MigrationWorld) -> list[str]:
    """Admit the stack, create it, and take both back."""
    created = [*run(world, admit()), *run(world, follow()), *find_broken_account(world)]
    delete: Order = build_order(DeleteCluster, cluster=STACK, volumes=VolumeFate.DELETE)
    removed = [*run(world, delete), *run(world, build_order(RevokeFollower, follower=STACK))]
    accepted = world.heat.accepted
    return [
        *created,
        *removed,
        *find_differences(world),
        *([] if accepted == ["create", "delete"] else [f"Heat has accepted {accepted}"]),
    ]


@cache
def count_boundaries() -> int:
    """Return how many boundaries the orders pass together when nobody dies."""
    world = prepare()
    assert find_problems(world) == []
    return len(world.killer.passed)


def test_a_kill_at_any_boundary_changes_nothing_of_either_cluster() -> None:
    broken = {}
    for boundary in range(count_boundaries()):
        world = prepare()
        world.killer.deadly = (boundary,)
        if problems := find_problems(world):
            broken[boundary] = [*problems, world.killer.passed[boundary]]

    sys.stdout.write(f"{count_boundaries()} kills\n")
    assert broken == {}
    assert count_boundaries() >= LEAST_CASES


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (follow(), "not_admitted"),
        (build_order(RevokeFollower, follower=STACK), "not_found"),
    ],
    ids=["follow", "revoke"],
)
def test_before_its_admission_a_cluster_neither_follows_nor_is_revoked(order: Order, code: str) -> None:
    world = prepare()

    with pytest.raises(OrderRefused) as refused:
        world.submit(order)

    assert refused.value.code == code


def test_the_source_of_a_stack_stays_until_the_stack_is_deleted() -> None:
    world = prepare()
    assert [*run(world, admit()), *run(world, follow())] == []

    for order in (
        build_order(DeleteCluster, volumes=VolumeFate.KEEP),
        build_order(RevokeFollower, follower=STACK),
    ):
        with pytest.raises(OrderRefused, match=f"the source of {CLUSTER} is followed by {STACK}"):
            world.submit(order)
