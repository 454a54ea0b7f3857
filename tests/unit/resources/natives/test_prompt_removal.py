"""What is certain is not waited for: a refused request has made nothing, a 404 of what was seen is not stale."""

from __future__ import annotations

import pytest

from guestagent.resources.natives.absence import SETTLE_S
from guestagent.resources.natives.cluster_view import STALE_READ_S
from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import CreateServer, CreateVolume, DeleteServer
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster, DeleteCluster, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World

LATE_TICKS = 60


def create_in_vain(*faults: CloudFault) -> tuple[World, Operation]:
    """Return a world in which the creation of a lone source needs attention."""
    world = World()
    world.cloud.faults.extend(faults)
    return world, world.run_until_stuck(build_order(CreateCluster, description={"replicas": 0}))


def cancel(world: World, operation: Operation) -> float:
    """Cancel an operation and return the seconds until its end, by the clock of the world."""
    cancelled_at = world.clock.now()
    world.store.cancel(operation.id)
    assert world.await_end(operation).state is OperationState.CANCELLED
    return world.clock.now() - cancelled_at


@pytest.mark.parametrize("request_type", [CreateVolume, CreateServer])
def test_a_refused_creation_is_taken_back_without_the_settle_time(
    request_type: type[CreateVolume | CreateServer],
) -> None:
    world, operation = create_in_vain(CloudFault(FaultKind.REFUSED, request_type))

    assert cancel(world, operation) < SETTLE_S / 2
    assert world.snapshot is None
    assert find_differences(world) == []


def test_a_refusal_after_a_lost_answer_is_taken_back_only_when_the_lost_request_has_settled() -> None:
    world, operation = create_in_vain(
        CloudFault(FaultKind.LATE, CreateServer, ticks=LATE_TICKS),
        CloudFault(FaultKind.REFUSED, CreateServer),
    )
    world.silent_guests.add("Master0000")
    assert world.cloud.has_late_requests

    cancel(world, operation)

    assert world.count_requests(DeleteServer) == 1, "of the server that came late"
    assert world.cloud.project.servers == {}
    assert find_differences(world) == []


def test_a_cluster_that_was_seen_is_deleted_without_waiting_for_stale_answers() -> None:
    world = World().create(replicas=1)
    world.live(int(STALE_READ_S))
    begun_at = world.clock.now()

    operation = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert operation.state is OperationState.DONE
    assert world.clock.now() - begun_at < 3 * STALE_READ_S, "there are four 404s, one after the other"


def test_a_worker_that_has_not_seen_a_server_does_not_believe_an_early_404() -> None:
    world = World().create()
    world.live(int(STALE_READ_S))
    operation_id = world.submit(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    while world.cloud.project.servers:
        world.live()
    world.loop = world.start_worker()

    world.live(int(STALE_READ_S) - 5)

    assert not world.get_operation(operation_id).state.is_final
    assert world.await_end(world.get_operation(operation_id)).state is OperationState.DONE
