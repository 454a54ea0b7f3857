"""Resources that stay where they are for ever: no second one is made, and the operation says what it waits for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import ConfirmResize, CreateServer, CreateVolume
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import CreateCluster, Order, ReplaceInstance, ResizeInstance
from tests.support.orders import build_order
from tests.unit.resources.natives.action_orders import grow, migrate, resize, restart
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def create() -> Order:
    order: Order = build_order(CreateCluster, description={"replicas": 0})
    return order


def freeze_volumes(world: World) -> None:
    for volume in world.cloud.project.volumes.values():
        if volume.status == "creating":
            volume.countdown = 1000


def freeze_servers(world: World) -> None:
    for server in world.cloud.project.servers.values():
        if server.status == "BUILD":
            server.upcoming = deque([("BUILD", "spawning")] * 1000)


def test_a_volume_that_stays_creating_needs_a_person_and_is_not_made_again() -> None:
    world = World()
    world.watchers.append(freeze_volumes)

    operation = world.run_until_stuck(create())

    assert "is still creating" in operation.attention
    assert world.count_requests(CreateVolume) == 1
    world.live(3600)
    failed = world.get_operation(operation.id)
    assert failed.refusal is not None
    assert failed.refusal.code is RefusalCode.DEADLINE


def test_a_server_that_stays_in_build_needs_a_person_and_is_deleted_by_cancel_alone() -> None:
    world = World()
    world.watchers.append(freeze_servers)
    operation = world.run_until_stuck(create())
    assert "is BUILD (spawning); cancel deletes it" in operation.attention
    assert world.count_requests(CreateServer) == 1
    world.watchers.clear()

    world.store.cancel(operation.id)

    assert world.await_end(operation).state is OperationState.CANCELLED
    assert world.cloud.project.servers == {}


def test_a_volume_that_stays_detaching_is_named_with_what_holds_it() -> None:
    world = World().create()
    (attachment,) = world.cloud.project.attachments.values()
    attachment.status = "detaching"
    world.cloud.project.servers.clear()
    world.volume.status = "detaching"

    operation = world.run_until_stuck(build_order(ReplaceInstance, instance="Master0000"))

    assert (
        f"volume {world.volume.id} of Master0000 is detaching for {attachment.server_id}"
        in operation.attention
    )
    assert world.count_requests(CreateServer) == 0


@pytest.mark.parametrize("build", [resize, migrate, grow], ids=lambda build: build.__name__)
def test_a_volume_that_stays_attaching_needs_a_person_and_the_order_goes_on_afterwards(
    build: Callable[[], Order],
) -> None:
    world = World().create()
    world.volume.status = "attaching"

    stuck = world.run_until_stuck(build())
    requests = len(world.cloud.requests)
    world.volume.status = "in-use"
    done = world.await_end(stuck)

    assert f"volume {world.volume.id} is attaching" in stuck.attention
    assert stuck.attention.endswith("the cloud's administrator has to reset its state; cancel ends the order")
    assert requests == 0
    assert (done.state, done.attention) == (OperationState.DONE, "")


@pytest.mark.parametrize("build", [resize, grow, restart], ids=lambda build: build.__name__)
def test_an_order_that_waits_for_a_busy_server_ends_at_once_when_it_is_cancelled(
    build: Callable[[], Order],
) -> None:
    world = World().create()
    world.server.task_state = "image_uploading"
    stuck = world.run_until_stuck(build())

    world.store.cancel(stuck.id)
    ended = world.await_end(stuck)

    assert "is ACTIVE (image_uploading)" in stuck.attention
    assert world.cloud.requests == []
    assert (ended.state, ended.attention) == (OperationState.CANCELLED, "")
    assert (world.instance.flavor, world.instance.volume.size_gib) == ("m1.small", 10)


def test_a_confirmation_that_the_cloud_refuses_is_sent_again_until_it_is_taken() -> None:
    world = World().create()
    refusal = CloudFault(FaultKind.REFUSED, ConfirmResize, times=3, message="source host is down")
    world.cloud.faults.append(refusal)

    operation = world.run(build_order(ResizeInstance, instance="Master0000", flavor="m1.large"))

    assert operation.state is OperationState.DONE
    assert world.count_requests(ConfirmResize) == 4
    events = [event.text for event in world.store.events("shop") if "source host is down" in event.text]
    assert events == ["the cloud refused to confirm the resize of Master0000 (refused): source host is down"]


def test_a_guest_that_signals_before_its_servers_id_is_known_is_heard() -> None:
    rehearsal = World()
    rehearsal.run(create())
    world = World(rehearsal.killer.passed.index("after CreateServer"))
    world.submit(create())
    while not world.count_requests(CreateServer):
        world.live()
    requests = len(world.cloud.requests)
    for _ in range(30):
        world.clock.sleep(1)
        world.cloud.tick()
        world._let_guests_signal()
    snapshot = world.snapshot
    assert snapshot is not None
    assert [each.instance for each in snapshot.signals] == ["Master0000"]

    world.live(200)

    assert len(world.cloud.requests) == requests
    assert find_differences(world) == []
    assert world.instance.generation == 1
