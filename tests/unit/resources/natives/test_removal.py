"""Deleting instances and clusters, cancelling creations, and replacing what is broken: no data is lost by inference."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import guestagent
from guestagent.resources.natives.fake_project import FakePort
from guestagent.resources.natives.requests import (
    CreatePort,
    CreateVolume,
    DeleteServer,
    DeleteVolume,
)
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    DeleteCluster,
    DeleteInstance,
    Order,
    ReplaceInstance,
    VolumeFate,
)
from guestagent.resources.store.records import SignalEntry
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def replace_source() -> Order:
    order: Order = build_order(ReplaceInstance, instance="Master0000")
    return order


def test_a_deleted_cluster_leaves_the_project_as_it_was() -> None:
    world = World().create(replicas=2)

    operation = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert operation.state is OperationState.DONE
    assert world.snapshot is None
    project = world.cloud.project
    assert [project.servers, project.volumes, project.ports, project.groups, project.attachments] == [
        {},
        {},
        {},
        {},
        {},
    ]


@pytest.mark.parametrize("order_type", [DeleteCluster, DeleteInstance])
def test_kept_volumes_are_free_and_named_in_the_history(order_type: type[Order]) -> None:
    world = World().create(replicas=1)
    order = (
        build_order(DeleteCluster, volumes=VolumeFate.KEEP)
        if order_type is DeleteCluster
        else build_order(DeleteInstance, instance="Slave0000", volume=VolumeFate.KEEP)
    )

    world.run(order)

    assert world.count_requests(DeleteVolume) == 0
    assert any("is kept" in event.text for event in world.store.events("shop"))
    assert find_differences(world) == []


def test_a_new_cluster_of_the_same_name_does_not_take_a_kept_volume() -> None:
    world = World().create()
    world.run(build_order(DeleteCluster, volumes=VolumeFate.KEEP))
    (kept,) = world.cloud.project.volumes

    world.create()

    assert len(world.cloud.project.volumes) == 2
    assert world.server.volume_id != kept


def test_a_volume_that_cannot_be_deleted_is_named_until_somebody_mends_it() -> None:
    world = World().create()
    world.cloud.project.limits.fails_volume_deletion = True

    operation = world.run_until_stuck(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert "could not be deleted" in operation.attention
    world.cloud.project.limits.fails_volume_deletion = False
    world.volume.status = "error"
    assert world.await_end(operation).state is OperationState.DONE
    assert world.cloud.project.volumes == {}


def test_a_locked_server_is_named_and_deleted_when_it_is_unlocked() -> None:
    world = World().create()
    world.server.is_locked = True
    operation = world.run_until_stuck(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    assert "is locked" in operation.attention
    world.server.is_locked = False

    assert world.await_end(operation).state is OperationState.DONE


def test_a_group_that_a_strangers_port_uses_is_named_and_deleted_when_it_is_free() -> None:
    world = World().create()
    (group_id,) = world.cloud.project.groups
    world.cloud.project.ports["strange"] = FakePort("strange", "web", "", "private", {group_id})
    operation = world.run_until_stuck(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    assert "not the cluster's: strange" in operation.attention
    del world.cloud.project.ports["strange"]

    assert world.await_end(operation).state is OperationState.DONE
    assert world.cloud.project.groups == {}


def test_a_server_deleted_by_hand_is_reported_and_not_replaced() -> None:
    world = World().create()
    world.cloud._compute.delete(DeleteServer(server_id=world.server.id))

    world.live(200)

    assert "is gone: replace the instance" in world.attention
    assert world.cloud.requests == []
    assert world.volume.status == "available"


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_replaced_instance_has_a_new_server_with_the_same_volume_and_port(is_gone: bool) -> None:
    world = World().create()
    old = world.server
    if is_gone:
        world.cloud._compute.delete(DeleteServer(server_id=old.id))
        world.live(90)

    operation = world.run(replace_source())

    assert operation.state is OperationState.DONE
    assert world.server.id != old.id
    assert (world.server.volume_id, world.server.port_id) == (old.volume_id, old.port_id)
    assert find_differences(world) == []
    world.live(90)
    assert world.attention == ""


def test_a_replacement_without_a_host_keeps_the_volume() -> None:
    world = World().create()
    world.cloud.project.limits.has_host = False
    operation = world.run_until_stuck(replace_source())
    assert "No valid host" in operation.attention
    world.cloud.project.limits.has_host = True

    world.store.retry(operation.id)

    assert world.await_end(operation).state is OperationState.DONE
    assert world.count_requests(DeleteVolume) == 0
    assert find_differences(world) == []


def test_the_signal_of_a_replaced_server_does_not_prove_the_new_one() -> None:
    world = World().create()
    world.cloud.project.limits.has_host = False
    operation_id = world.submit(replace_source())
    world.live(1)
    signal = SignalEntry(instance="Master0000", generation=world.instance.generation, is_success=True)
    world.store.record_signal("shop", signal)
    world.live(60)

    world.cloud.project.limits.has_host = True
    world.store.retry(operation_id)

    assert world.await_end(world.get_operation(operation_id)).state is OperationState.DONE
    assert find_differences(world) == []


def test_a_stuck_replacement_can_be_cancelled_and_given_again() -> None:
    world = World().create()
    world.cloud.project.limits.has_host = False
    operation = world.run_until_stuck(replace_source())
    world.store.cancel(operation.id)
    assert world.await_end(operation).state is OperationState.CANCELLED
    world.cloud.project.limits.has_host = True

    assert world.run(replace_source()).state is OperationState.DONE
    assert world.count_requests(DeleteVolume) == 0
    assert find_differences(world) == []


def test_a_server_that_fails_later_is_not_touched() -> None:
    world = World().create()
    world.server.status, world.server.fault = "ERROR", "host is on fire"

    world.live(200)

    assert "host is on fire" in world.attention
    assert world.cloud.requests == []


def test_a_lost_data_volume_is_not_replaced_by_an_empty_one() -> None:
    world = World().create()
    world.cloud._compute.delete(DeleteServer(server_id=world.server.id))
    world.live(20)
    world.cloud.project.volumes.clear()

    operation = world.run_until_stuck(replace_source())

    assert "data volume" in operation.attention
    assert "is gone" in operation.attention
    assert world.count_requests(CreateVolume) == 0


def test_a_deletion_behind_another_one_finds_no_cluster() -> None:
    world = World().create()
    deletions = [
        world.submit(build_order(DeleteCluster, volumes=fate))
        for fate in (VolumeFate.KEEP, VolumeFate.DELETE)
    ]

    ended = [world.await_end(world.get_operation(each)) for each in deletions]

    assert [each.state for each in ended] == [OperationState.DONE, OperationState.FAILED]
    assert ended[1].refusal is not None
    assert ended[1].refusal.code == "not_found"
    assert len(world.cloud.project.volumes) == 1
    assert world.snapshot is None


def test_a_port_deleted_by_hand_is_made_anew_by_a_replacement_alone() -> None:
    world = World().create()
    world.cloud.project.ports.clear()
    world.live(200)
    assert "the port of Master0000 is gone" in world.attention
    assert world.count_requests(CreatePort) == 0

    assert world.run(replace_source()).state is OperationState.DONE
    assert find_differences(world) == []


def test_one_file_alone_deletes_data_volumes() -> None:
    package = Path(guestagent.__file__).parent
    files = {
        path.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DeleteVolume"
    }

    assert files == {"volume_deletion.py"}
