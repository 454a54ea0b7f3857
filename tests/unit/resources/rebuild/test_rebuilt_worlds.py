"""A cluster whose store was lost and rebuilt goes on: nothing is made twice, and every order works."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    DeleteCluster,
    DeleteInstance,
    Order,
    ReplaceInstance,
    ResizeInstance,
    ResizeVolume,
    UpdateRuleCidr,
    VolumeFate,
)
from tests.support.orders import build_order
from tests.unit.resources.clusters import CLIENTS
from tests.unit.resources.natives.invariants import find_differences, find_violations
from tests.unit.resources.natives.scenarios import CREATE_GROUP, OTHER_NETWORK
from tests.unit.resources.natives.worlds import World
from tests.unit.resources.rebuild.lost_stores import GENERATION, lose_store

ORDERS: dict[str, Order] = {
    order.kind: order
    for order in (
        build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5),
        build_order(DeleteInstance, instance="Slave0000", volume=VolumeFate.DELETE),
        build_order(ReplaceInstance, instance="Slave0000"),
        build_order(ResizeInstance, instance="Slave0000", flavor="m1.large"),
        build_order(ResizeVolume, instance="Slave0000", size_gib=20),
        build_order(UpdateRuleCidr, group="database", rule=CLIENTS, network=OTHER_NETWORK),
        build_order(DeleteCluster, volumes=VolumeFate.DELETE),
    )
}


def test_a_rebuilt_cluster_is_left_as_it_is_and_its_nodes_prove_themselves_once_more() -> None:
    world = World().create(replicas=2)
    before = world.wanted
    assert before is not None
    lose_store(world)

    world.live(300)

    wanted = world.wanted
    assert wanted is not None
    assert world.cloud.requests == []
    assert [each.generation for each in wanted] == [GENERATION + 1, GENERATION, GENERATION]
    assert not wanted.is_rotating, "all nodes have proved their new passwords"
    for instance, former in zip(wanted, before, strict=True):
        known = replace(instance, generation=former.generation, password_number=former.password_number)
        assert replace(known, deadline_s=former.deadline_s) == former
    assert (wanted.groups, wanted.network) == (before.groups, before.network)
    assert find_differences(world) == []


@pytest.mark.parametrize("kind", sorted(ORDERS))
def test_orders_work_on_a_rebuilt_cluster(kind: str) -> None:
    world = World().create(replicas=1)
    lose_store(world)
    world.live(100)

    operation = world.run(ORDERS[kind])

    assert operation.state is OperationState.DONE, operation
    is_deletion = kind in {"delete_instance", "delete_cluster"}
    assert find_violations(world, 2 if kind == "replace_instance" else 1, is_deletion) == []
    assert find_differences(world) == []


def test_orders_that_come_at_once_work_as_well() -> None:
    world = World().create(replicas=1)
    lose_store(world)

    operation = world.run(ORDERS["resize_instance"])

    assert operation.state is OperationState.DONE, operation
    assert find_differences(world) == []


def test_names_and_numbers_of_deleted_instances_are_not_used_again() -> None:
    world = World().create(replicas=1)
    world.run(build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5))
    world.run(build_order(DeleteInstance, instance="Slave0001", volume=VolumeFate.DELETE))
    lose_store(world)
    world.live(100)

    world.run(ORDERS["add_instance"])

    wanted = world.wanted
    assert wanted is not None
    added = wanted.instances[-1]
    assert (added.name, added.server_id) == ("Slave0100", 202)


def test_groups_and_their_rules_are_found() -> None:
    world = World().create()
    world.run(CREATE_GROUP())
    before = world.wanted
    lose_store(world)

    world.live(100)

    wanted = world.wanted
    assert before is not None
    assert wanted is not None
    assert wanted.groups == before.groups
    assert world.cloud.requests == []


def test_a_store_can_be_lost_again() -> None:
    world = World().create(replicas=1)
    for _ in range(2):
        lose_store(world)
        world.live(100)

    assert world.cloud.requests == []
    assert find_differences(world) == []
