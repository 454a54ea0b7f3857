"""A replica that joins a cluster without Heat: its seed, the rule of the donor's port, and the end of both."""

from __future__ import annotations

import json

import pytest

from guestagent.byte_units import GIB
from guestagent.controller.seed import NodeSeed
from guestagent.metadata.document import DEFAULT_DONOR_PORT
from guestagent.metadata.server_metadata import VOLUME_KEY
from guestagent.resources.natives.requests import CreateServer, DeleteVolume
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import AddInstance, CreateCluster, Order, ReplaceInstance, RestartInstance
from guestagent.resources.rule import build_rule
from guestagent.resources.wanted import WantedInstance
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.scenarios import lose_replica
from tests.unit.resources.natives.worlds import World

DONOR_RULE = build_rule(None, port_min=DEFAULT_DONOR_PORT)
EVIDENCE: dict[str, object] = {
    "family": "MariaDB",
    "data_bytes": 8 * GIB,
    "log_bytes": 9 * GIB,
    "disk_bytes": 9 * GIB,
}


def add_replica() -> Order:
    order: Order = build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=20)
    return order


def get_instance(world: World, name: str) -> WantedInstance:
    wanted = world.wanted
    assert wanted is not None
    instance = wanted.find_instance(name)
    assert instance is not None
    return instance


def list_rules(world: World) -> set[object]:
    return {rule for group in world.cloud.project.groups.values() for rule in group.rules.values()}


@pytest.fixture
def world() -> World:
    world = World()
    world.signal_data["Master0000"] = EVIDENCE
    return world.create()


def test_a_new_replica_has_the_time_that_the_sources_data_need(world: World) -> None:
    world.silent_guests.add("Slave0000")
    world.submit(add_replica())

    world.live(60)

    seed = get_instance(world, "Slave0000").seed
    # 10 GiB, as much as the source's volume holds, at 80 MiB/s and with 30 s for the restart, three times over.
    assert seed == NodeSeed(474, 1, 8 * GIB, 9 * GIB)
    assert get_instance(world, "Slave0000").proof_deadline_s == 900 + 474


def test_the_port_of_the_donor_is_open_while_the_replica_joins(world: World) -> None:
    world.silent_guests.add("Slave0000")
    operation_id = world.submit(add_replica())
    world.live(60)
    assert DONOR_RULE in list_rules(world)
    world.silent_guests.clear()

    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.DONE
    assert get_instance(world, "Slave0000").seed is None
    assert DONOR_RULE not in list_rules(world)
    assert find_differences(world) == []


def test_a_source_of_unknown_size_gives_the_longest_time() -> None:
    world = World().create()
    world.silent_guests.add("Slave0000")
    world.submit(add_replica())

    world.live(60)

    assert get_instance(world, "Slave0000").seed == NodeSeed(43200, 1)


def test_the_replicas_of_a_new_cluster_have_no_seed() -> None:
    world = World()
    world.silent_guests.add("Slave0000")
    world.submit(build_order(CreateCluster, description={"replicas": 1}))

    world.live(60)

    assert get_instance(world, "Slave0000").seed is None
    assert DONOR_RULE not in list_rules(world)


def test_a_cancelled_replica_closes_the_port_of_its_donor(world: World) -> None:
    world.silent_guests.add("Slave0000")
    operation_id = world.submit(add_replica())
    world.live(60)

    world.store.cancel(operation_id)

    assert world.await_end(world.get_operation(operation_id)).state is OperationState.CANCELLED
    world.live(200)
    assert DONOR_RULE not in list_rules(world)
    assert find_differences(world) == []


def list_declared_volumes(world: World, name: str) -> list[bool]:
    """Return whether the volume was declared new, for each server that was requested for an instance."""
    requests = [each for each in world.cloud.requests if isinstance(each, CreateServer)]
    own = [each.metadata for each in requests if each.metadata["guestagent:instance"] == name]
    return [json.loads(metadata[VOLUME_KEY]).get("New", False) for metadata in own]


def test_a_replica_whose_volume_is_gone_is_seeded_on_a_new_one_by_order() -> None:
    world = World()
    world.signal_data["Master0000"] = EVIDENCE
    world.create(replicas=1)
    lose_replica(world)
    assert "data volume volume-" in world.attention
    world.silent_guests.add("Slave0000")
    operation_id = world.submit(build_order(ReplaceInstance, instance="Slave0000"))
    world.live(60)
    seed = get_instance(world, "Slave0000").seed
    assert seed is not None
    assert (seed.number, seed.data_bytes, DONOR_RULE in list_rules(world)) == (2, 8 * GIB, True)
    assert list_declared_volumes(world, "Slave0000")[-1]
    world.silent_guests.clear()

    operation = world.await_end(world.get_operation(operation_id))
    world.live(200)

    assert operation.state is OperationState.DONE
    assert find_differences(world) == []
    assert DONOR_RULE not in list_rules(world)
    assert world.count_requests(DeleteVolume) == 0


def test_a_source_whose_volume_is_gone_is_never_given_an_empty_one() -> None:
    world = World().create()
    del world.cloud.project.volumes[world.server.volume_id]
    world.cloud._compute._remove(world.server)
    world.live(100)

    operation = world.run_until_stuck(build_order(ReplaceInstance, instance="Master0000"))

    assert "data volume volume-" in operation.attention
    assert world.count_requests(CreateServer) == 0


def test_another_order_gives_no_replica_an_empty_volume() -> None:
    world = World().create(replicas=1)
    lose_replica(world)

    operation = world.run_until_stuck(build_order(RestartInstance, instance="Slave0000"))

    assert operation.attention.endswith("is gone; replace the instance")


def test_a_volume_with_which_no_node_has_proved_itself_is_declared_new_again() -> None:
    world = World()
    world.cloud.project.limits.fails_spawn = True
    operation = world.run_until_stuck(build_order(CreateCluster, description={"replicas": 0}))
    world.cloud.project.limits.fails_spawn = False
    world.store.retry(operation.id)
    world.await_end(operation)

    world.run(build_order(ReplaceInstance, instance="Master0000"))

    assert list_declared_volumes(world, "Master0000") == [True] * 4 + [False]
