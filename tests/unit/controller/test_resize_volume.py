"""The growth of a data volume: first in Cinder, then in the stack, whose update lets the node prove it."""

from __future__ import annotations

import pytest

from guestagent.controller import (
    Cluster,
    Dialect,
    FakeHardware,
    FakeHeat,
    HardwareVolume,
    Node,
    Stacks,
    StackVolume,
)
from guestagent.errors import CloudRefused, DeadlineExceeded, InvalidCluster, StackFailed
from guestagent.retry import FakeClock

VOLUME_ID = "Slave0000Volume-id"


def build_cluster() -> Cluster:
    node = Node("m1.small", "guestagent-volume", volume=StackVolume(20))
    return Cluster.new(source=node, replicas=[node], network="private", dialect=Dialect.HOT)


def launch(hardware: FakeHardware, heat: FakeHeat | None = None) -> Stacks:
    heat = heat or FakeHeat()
    stacks = Stacks(heat, FakeClock(), hardware=hardware)
    stacks.wait(stacks.create("db", build_cluster()))
    hardware.volumes = {
        f"{node.volume_resource}-id": HardwareVolume(20, "in-use") for node in build_cluster()
    }
    heat.asked.clear()
    return stacks


def test_the_volume_has_grown_before_the_stack_says_so() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(hardware, heat)

    stack = stacks.resize_volume("db", "Slave0000", 30)

    assert stack.status == "UPDATE_COMPLETE"
    assert hardware.asked == [(VOLUME_ID, 30)]
    assert heat.asked.count("update") == 1
    assert stacks.cluster("db") == build_cluster().resize_volume("Slave0000", 30)


def test_a_volume_that_cinder_cannot_grow_leaves_the_stack_alone() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(hardware, heat)
    hardware.unwilling.add(VOLUME_ID)

    with pytest.raises(CloudRefused, match="is error_extending, and the stack was not updated"):
        stacks.resize_volume("db", "Slave0000", 30)

    assert "update" not in heat.asked


def test_a_lost_answer_grows_the_volume_once() -> None:
    hardware = FakeHardware()
    stacks = launch(hardware)
    hardware.lost = 1

    stacks.resize_volume("db", "Slave0000", 30)

    assert hardware.asked == [(VOLUME_ID, 30)]


def test_a_volume_that_has_the_size_is_not_grown_again() -> None:
    hardware = FakeHardware()
    stacks = launch(hardware)
    hardware.volumes[VOLUME_ID] = HardwareVolume(30, "in-use")

    stacks.resize_volume("db", "Slave0000", 30)

    assert hardware.asked == []
    assert stacks.cluster("db").node("Slave0000").volume == StackVolume(30)


def test_a_repeated_command_lets_the_node_prove_itself_again() -> None:
    hardware = FakeHardware()
    stacks = launch(hardware)
    stacks.resize_volume("db", "Slave0000", 30)

    stacks.resize_volume("db", "Slave0000", 30)

    assert hardware.asked == [(VOLUME_ID, 30)]
    assert stacks.cluster("db").node("Slave0000").generation == 3


def test_after_a_failed_proof_the_command_is_repeated() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(hardware, heat)
    heat.verdicts["Slave0000ReadyWaitCond2"] = "data volume: expected 30 GiB"
    with pytest.raises(StackFailed):
        stacks.resize_volume("db", "Slave0000", 30)

    stack = stacks.resize_volume("db", "Slave0000", 30)

    assert stack.status == "UPDATE_COMPLETE"
    assert hardware.asked == [(VOLUME_ID, 30)]


@pytest.mark.parametrize(
    ("volume", "size_gib", "message"),
    [
        (HardwareVolume(20, "in-use"), 19, "at least 20 GiB, its present size, found 19"),
        (HardwareVolume(40, "in-use"), 30, "size: expected at least 40 GiB, the real size of Slave0000"),
    ],
)
def test_a_volume_never_shrinks(volume: HardwareVolume, size_gib: int, message: str) -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(hardware, heat)
    hardware.volumes[VOLUME_ID] = volume

    with pytest.raises(InvalidCluster, match=message):
        stacks.resize_volume("db", "Slave0000", size_gib)

    assert hardware.asked == []
    assert "update" not in heat.asked


def test_a_volume_that_is_busy_is_waited_for_as_long_as_the_caller_says() -> None:
    hardware = FakeHardware()
    stacks = launch(hardware)
    hardware.volumes[VOLUME_ID] = HardwareVolume(20, "extending")

    with pytest.raises(DeadlineExceeded, match="has not 30 GiB in time"):
        stacks.resize_volume("db", "Slave0000", 30, within=60)


def test_a_template_that_says_another_size_than_cinder_is_not_sent() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(hardware, heat)

    with pytest.raises(InvalidCluster, match="expected 20, the real size in Cinder"):
        stacks.change("db", lambda cluster: cluster.resize_volume("Slave0000", 30))

    assert "update" not in heat.asked


def test_a_server_is_not_resized_while_its_volume_grows() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(hardware, heat)
    hardware.volumes[VOLUME_ID] = HardwareVolume(20, "extending")

    with pytest.raises(CloudRefused, match=f"not sent: volume {VOLUME_ID} of Slave0000 is extending"):
        stacks.resize("db", "Slave0000", "m1.large")

    assert "update" not in heat.asked


def test_another_policy_needs_no_way_to_cinder() -> None:
    heat = FakeHeat()
    launch(FakeHardware(), heat)

    Stacks(heat, FakeClock()).discard_volumes("db")

    assert "update" in heat.asked


def test_volumes_are_discarded_by_an_update_of_their_own() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(hardware, heat)

    stacks.discard_volumes("db", ["Slave0000"])
    stacks.discard_volumes("db", ["Slave0000"])

    assert heat.asked.count("update") == 1
    assert [node.volume for node in stacks.cluster("db")] == [StackVolume(20), StackVolume(20, is_kept=False)]


def test_a_stack_with_volumes_needs_a_shorter_name() -> None:
    with pytest.raises(
        Exception, match="name: expected at most 120 characters for a stack with data volumes"
    ):
        Stacks(FakeHeat()).create("a" * 121, build_cluster())
