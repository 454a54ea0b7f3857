"""Growths of volumes that fail as real ones do: some of them in silence."""

from __future__ import annotations

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import GrowVolume
from guestagent.resources.operation import OperationState, RefusalCode
from tests.unit.resources.natives.action_orders import get_refusal, grow, restart
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def test_a_driver_that_cannot_grow_leaves_the_old_size_and_says_why() -> None:
    world = World().create()
    world.cloud.project.limits.fails_volume_growth = True

    operation = world.run(grow())

    assert "Driver failed to extend volume" in get_refusal(operation)[1]
    assert world.instance.volume.size_gib == 10


def fail_growths(world: World, **limits: bool) -> tuple[RefusalCode, str, float]:
    """Let a growth fail twice. Return what the second one says, and the seconds that it took."""
    project = world.cloud.project
    project.limits.fails_volume_growth = True
    world.run(grow())
    project.limits.fails_volume_growth, world.volume.status = False, "in-use"
    for name, value in limits.items():
        setattr(project.limits, name, value)
    began_at = world.clock.time
    code, message = get_refusal(world.run(grow()))
    return code, message, world.clock.time - began_at


def test_a_growth_without_room_ends_at_once_with_its_own_reason() -> None:
    world = World().create()

    code, message, seconds = fail_growths(world, has_backend=False)

    assert code is RefusalCode.NO_CAPACITY
    assert "is in-use with 10 GiB: extend volume:Could not find any available weighted backend." in message
    assert "Driver failed" not in message, "that was the reason of the growth before"
    assert seconds < 15
    assert world.instance.volume.size_gib == 10
    assert find_differences(world) == []


def test_a_growth_without_room_ends_soon_in_a_cloud_that_hides_the_reason() -> None:
    world = World().create()

    code, message, seconds = fail_growths(world, has_backend=False, has_messages=False)

    assert code is RefusalCode.REFUSED
    assert "is in-use with 10 GiB: Cinder gives no reason" in message
    assert seconds < 30


def test_a_growth_whose_answer_is_lost_takes_no_reason_of_an_earlier_one() -> None:
    world = World().create()
    world.cloud.faults.append(CloudFault(FaultKind.UNANSWERED, GrowVolume))
    world.cloud.faults.append(CloudFault(FaultKind.UNANSWERED, GrowVolume))

    _, message, _ = fail_growths(world, has_backend=False)

    assert "Driver failed" not in message


def test_a_growth_that_the_server_does_not_see_is_not_done() -> None:
    world = World().create()
    world.cloud.project.limits.fails_disk_growth = True

    operation = world.run(grow())

    assert get_refusal(operation)[0] is RefusalCode.ATTENTION
    assert "hard restart" in get_refusal(operation)[1]
    assert world.instance.volume.size_gib == 20
    assert world.count_requests(GrowVolume) == 1


def test_a_growth_that_the_server_did_not_see_is_done_after_a_hard_restart() -> None:
    world = World().create()
    world.cloud.project.limits.fails_disk_growth = True
    world.silent_guests.add("Master0000")
    world.run(grow())
    world.silent_guests.clear()

    assert world.run(restart(hard=True)).state is OperationState.DONE
    assert world.run(grow()).state is OperationState.DONE
    assert world.count_requests(GrowVolume) == 1


def test_a_growth_waits_for_the_bytes_of_the_guest() -> None:
    world = World().create()
    world.silent_guests.add("Master0000")
    operation_id = world.submit(grow())
    world.live(300)
    waiting = world.get_operation(operation_id)
    world.silent_guests.clear()

    operation = world.await_end(world.get_operation(operation_id))

    assert (waiting.state, waiting.waiting_for) == (
        OperationState.RUNNING,
        "Master0000 has not proved itself yet",
    )
    assert operation.state is OperationState.DONE


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("silent_guests", "did not prove itself within 900 s"),
        ("failing_guests", "disk full"),
        ("blind_guests", "its file system has an older size"),
    ],
)
def test_a_growth_that_the_guest_does_not_prove_fails_with_the_way_out(kind: str, reason: str) -> None:
    world = World().create()
    getattr(world, kind).add("Master0000")

    operation = world.run(grow())

    code, message = get_refusal(operation)
    assert code is RefusalCode.ATTENTION
    assert reason in message
    assert "has grown to 20 GiB, not seen by the guest" in message
    assert "guestagent volume show" in message
    assert world.instance.volume.size_gib == 20


def test_a_growth_that_is_cancelled_while_the_guest_proves_it_stays() -> None:
    world = World().create()
    world.silent_guests.add("Master0000")
    operation_id = world.submit(grow())
    world.live(60)

    world.store.cancel(operation_id)
    operation = world.await_end(world.get_operation(operation_id))

    assert operation.state is OperationState.CANCELLED
    assert world.instance.volume.size_gib == 20


def test_a_growth_over_the_quota_changes_nothing() -> None:
    world = World().create()
    world.cloud.project.limits.gibibytes = 15

    operation = world.run(grow())

    assert get_refusal(operation)[0] is RefusalCode.QUOTA
    assert world.instance.volume.size_gib == 10
    assert find_differences(world) == []
