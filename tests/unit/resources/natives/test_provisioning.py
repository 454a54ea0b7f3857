"""Creating clusters in a cloud that refuses, fails and loses things. Nothing is created twice, nothing is left."""

from __future__ import annotations

from typing import Any

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import (
    CreatePort,
    CreateServer,
    CreateVolume,
    DeleteAttachment,
    DeleteServer,
)
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import CreateCluster, DeleteCluster, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.scenarios import create
from tests.unit.resources.natives.worlds import World


def test_a_cluster_consists_of_what_was_ordered() -> None:
    world = World().create(replicas=2)

    assert find_differences(world) == []
    assert len(world.cloud.project.servers) == 3
    assert len(world.cloud.requests) == 0, "create() forgets its own"


def test_a_cluster_at_rest_sends_nothing() -> None:
    world = World().create(replicas=2)

    world.live(600)

    assert world.cloud.requests == []


def test_a_guest_gets_its_user_data() -> None:
    assert World().create().server.user_data == "#cloud-config of a guest"


def test_a_server_without_a_host_is_replaced_three_times_and_keeps_its_volume_and_port() -> None:
    world = World()
    world.cloud.project.limits.has_host = False

    operation = world.run_until_stuck(create())

    assert operation.state is OperationState.RUNNING
    assert "No valid host" in operation.attention
    assert [world.count_requests(each) for each in (CreateServer, DeleteServer, CreateVolume)] == [3, 2, 1]


@pytest.mark.parametrize("limit", ["has_host", "fails_spawn"])
def test_a_retry_goes_on_after_the_cause_is_gone(limit: str) -> None:
    world = World()
    setattr(world.cloud.project.limits, limit, limit == "fails_spawn")
    operation = world.run_until_stuck(create())
    setattr(world.cloud.project.limits, limit, limit != "fails_spawn")

    world.store.retry(operation.id)

    assert world.await_end(operation).state is OperationState.DONE
    assert find_differences(world) == []


def test_a_volume_without_a_backend_is_replaced_once_and_its_reason_is_shown() -> None:
    world = World()
    world.cloud.project.limits.has_backend = False

    operation = world.run_until_stuck(create())

    assert "Could not find any available weighted backend" in operation.attention
    assert world.count_requests(CreateVolume) == 2
    assert world.count_requests(CreateServer) == 0


@pytest.mark.parametrize("limit", ["servers", "volumes", "ports", "groups", "rules"])
def test_a_quota_stops_the_order_until_a_retry(limit: str) -> None:
    world = World()
    setattr(world.cloud.project.limits, limit, 0)
    operation = world.run_until_stuck(create())
    world.live(30)
    requests = len(world.cloud.requests)
    world.live(300)
    assert operation.attention, "the cloud has refused it"
    assert len(world.cloud.requests) == requests, "nothing is tried blindly"
    setattr(world.cloud.project.limits, limit, 100)

    world.store.retry(operation.id)

    assert world.await_end(operation).state is OperationState.DONE
    assert find_differences(world) == []


def test_a_full_subnet_is_named_and_leaves_nothing_after_the_cancellation() -> None:
    world = World()
    full = "No more IP addresses available on network private."
    code = RefusalCode.NO_CAPACITY
    world.cloud.faults.append(CloudFault(FaultKind.REFUSED, CreatePort, times=100, code=code, message=full))

    operation = world.run_until_stuck(create())
    world.store.cancel(operation.id)

    assert full in operation.attention
    assert world.await_end(operation).state is OperationState.CANCELLED
    assert find_differences(world) == []
    assert world.cloud.project.volumes == {}


def test_a_quota_for_one_instance_lets_the_others_be_created() -> None:
    world = World()
    world.cloud.project.limits.servers = 2

    world.run_until_stuck(build_order(CreateCluster, description={"replicas": 2}))
    world.live(60)

    assert [server.status for server in world.cloud.project.servers.values()] == ["ACTIVE", "ACTIVE"]


def test_a_reservation_of_a_server_that_never_was_is_taken_back() -> None:
    world = World()
    world.cloud.faults.append(CloudFault(FaultKind.LEAKED, CreateServer))

    operation = world.run(create())

    assert operation.state is OperationState.DONE
    assert world.count_requests(DeleteAttachment) == 1
    assert find_differences(world) == []


def test_a_late_first_server_makes_the_second_request_fail_and_is_found() -> None:
    world = World()
    world.cloud.faults.append(CloudFault(FaultKind.LATE, CreateServer, ticks=18))

    operation = world.run(create())

    assert operation.state is OperationState.DONE
    assert find_differences(world) == []


def test_a_guest_that_fails_fails_the_order_with_its_reason_and_nothing_is_deleted() -> None:
    world = World()
    world.failing_guests.add("Master0000")

    operation = world.run(create())

    assert operation.state is OperationState.FAILED
    assert operation.refusal is not None
    assert (operation.refusal.code, operation.refusal.message) == (
        RefusalCode.REFUSED,
        "Master0000: disk full",
    )
    assert world.server.status == "ACTIVE"


def test_a_silent_guest_ends_the_order_at_its_deadline() -> None:
    world = World()
    world.silent_guests.add("Master0000")

    operation = world.run(create())

    assert operation.refusal is not None
    assert operation.refusal.code is RefusalCode.DEADLINE
    assert world.server.status == "ACTIVE"


def test_a_silent_source_is_the_one_that_is_named() -> None:
    world = World()
    world.silent_guests.add("Master0000")

    operation = world.run(build_order(CreateCluster, description={"replicas": 1}))

    assert operation.refusal is not None
    assert operation.refusal.message.startswith("Master0000 did not prove itself")


def test_a_failed_cluster_can_be_deleted() -> None:
    world = World()
    world.failing_guests.add("Master0000")
    world.run(create())

    operation = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert operation.state is OperationState.DONE
    assert world.snapshot is None
    assert find_differences(world) == []
    assert world.cloud.project.volumes == {}


def test_a_volume_that_can_be_attached_twice_is_not_used() -> None:
    world = World()
    world.watchers.append(_allow_second_attachment)

    operation = world.run_until_stuck(create())

    assert "can be attached twice" in operation.attention
    assert world.count_requests(CreateServer) == 0


def _allow_second_attachment(world: World) -> None:
    for volume in world.cloud.project.volumes.values():
        volume.is_multiattach = True


def test_the_user_data_are_in_no_record_and_no_event() -> None:
    world = World().create()
    stored: Any = world.snapshot, world.store.events("shop"), world.store.operations("shop")

    assert "#cloud-config" not in repr(stored)


@pytest.mark.parametrize("ticks", range(12, 60, 6))
def test_a_late_first_server_is_found_although_the_second_has_failed(ticks: int) -> None:
    world = World()
    world.cloud.project.limits.fails_spawn = True
    world.cloud.faults.append(CloudFault(FaultKind.LATE, CreateServer, ticks=ticks))
    operation = world.run_until_stuck(create())
    world.live(200)
    world.cloud.project.limits.fails_spawn = False

    world.store.retry(operation.id)

    assert world.await_end(operation).state is OperationState.DONE
    assert find_differences(world) == []
    assert len(world.cloud.project.servers) == 1
