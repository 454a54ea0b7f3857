"""An update in which Heat would replace a server or a volume, and lose what is on it, is not sent."""

from __future__ import annotations

from dataclasses import replace

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
from guestagent.errors import CloudRefused, InvalidCluster
from guestagent.retry import FakeClock

SERVER, VOLUME = "Slave0000", "Slave0000Volume"


def launch(
    heat: FakeHeat,
    hardware: FakeHardware | None,
    dialect: Dialect = Dialect.HOT,
    volume: StackVolume | None = None,
) -> Stacks:
    node = Node("m1.small", "guestagent-volume", volume=volume)
    stacks = Stacks(heat, FakeClock(), hardware=hardware)
    cluster = Cluster.new(source=node, replicas=[node], network="private", dialect=dialect)
    stacks.wait(stacks.create("db", cluster))
    heat.asked.clear()
    return stacks


@pytest.mark.parametrize("status", ["ERROR", "DELETED", None])
def test_a_server_that_is_lost_in_the_cloud_stops_the_update_with_the_way_out(status: str | None) -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(heat, hardware)
    heat.statuses[SERVER] = "UPDATE_FAILED"
    hardware.servers = {} if status is None else {f"{SERVER}-id": status}

    with pytest.raises(
        CloudRefused, match=f"would replace the server {SERVER} .UPDATE_FAILED in Heat.*remove {SERVER}"
    ):
        stacks.change("db", lambda cluster: cluster.renew("Master0000"))

    assert "update" not in heat.asked


def test_a_failed_update_of_a_server_that_works_is_no_obstacle() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(heat, hardware)
    heat.statuses[SERVER] = "UPDATE_FAILED"
    hardware.servers[f"{SERVER}-id"] = "ACTIVE"

    stacks.change("db", lambda cluster: cluster.renew("Master0000"))

    assert "update" in heat.asked


def test_a_node_that_is_removed_is_no_obstacle() -> None:
    heat = FakeHeat()
    stacks = launch(heat, FakeHardware())
    heat.statuses[SERVER] = "UPDATE_FAILED"

    stacks.change("db", lambda cluster: cluster.remove_replica(SERVER))

    assert "update" in heat.asked


def test_a_server_that_was_never_created_is_replaced_unless_it_has_a_volume() -> None:
    for volume, is_replaced in ((None, True), (StackVolume(20), False)):
        heat, hardware = FakeHeat(), FakeHardware()
        stacks = launch(heat, hardware, volume=volume)
        heat.statuses[SERVER] = "CREATE_FAILED"
        hardware.servers[f"{SERVER}-id"] = "ERROR"

        try:
            stacks.change("db", lambda cluster: cluster.renew(SERVER))
        except CloudRefused as error:
            assert f"remove {SERVER}, or delete the stack" in str(error)

        assert ("update" in heat.asked) is is_replaced


@pytest.mark.parametrize(("status", "is_sent"), [("error", False), ("deleting", False), ("in-use", True)])
def test_a_volume_in_error_would_become_an_empty_one(status: str, is_sent: bool) -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(heat, hardware, volume=StackVolume(20))
    heat.statuses[VOLUME] = "UPDATE_FAILED"
    hardware.volumes[f"{VOLUME}-id"] = HardwareVolume(20, status)

    try:
        stacks.change("db", lambda cluster: cluster.renew(SERVER))
    except CloudRefused as error:
        assert f"would replace the volume {VOLUME}" in str(error)

    assert ("update" in heat.asked) is is_sent


def test_a_resource_that_is_marked_unhealthy_is_always_replaced() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(heat, hardware)
    heat.statuses[SERVER] = "CHECK_FAILED"
    hardware.servers[f"{SERVER}-id"] = "ACTIVE"

    with pytest.raises(CloudRefused, match="mark unhealthy --reset"):
        stacks.change("db", lambda cluster: cluster.renew(SERVER))


@pytest.mark.parametrize("dialect", Dialect)
def test_without_the_real_status_the_worst_is_expected(dialect: Dialect) -> None:
    heat = FakeHeat()
    stacks = launch(heat, None, dialect)
    heat.statuses[SERVER] = "UPDATE_FAILED"

    with pytest.raises(CloudRefused, match="in an unknown state"):
        stacks.change("db", lambda cluster: cluster.renew(SERVER))


def test_amazons_type_of_a_server_is_replaced_although_it_works_unless_heat_forgets_its_failure() -> None:
    heat, hardware = FakeHeat(), FakeHardware()
    stacks = launch(heat, hardware, Dialect.CFN)
    heat.statuses[SERVER] = "UPDATE_FAILED"
    hardware.servers[f"{SERVER}-id"] = "ACTIVE"

    with pytest.raises(CloudRefused, match=f"mark it unhealthy in Heat and run .*--reset STACK {SERVER}"):
        stacks.change("db", lambda cluster: cluster.renew(SERVER))


def test_a_source_that_is_gone_is_never_removed() -> None:
    heat = FakeHeat()
    stacks = launch(heat, FakeHardware())
    heat.statuses["Master0000"] = "UPDATE_FAILED"

    with pytest.raises(
        CloudRefused, match=r"Master0000 \(UPDATE_FAILED in Heat, gone in the cloud\): create a new"
    ):
        stacks.change("db", lambda cluster: cluster.renew(SERVER))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"volume": None}, "Master0000.volume: expected no change of a node that exists, found none"),
        ({"volume": StackVolume(20, "ssd")}, "Master0000.volume.type: expected None, as it was made"),
        ({"image": "newer"}, "Master0000.image: expected 'guestagent-volume' for a node with a volume"),
    ],
)
def test_a_node_with_a_volume_keeps_its_server(change: dict[str, object], message: str) -> None:
    heat = FakeHeat()
    stacks = launch(heat, FakeHardware(), volume=StackVolume(20))

    def change_source(cluster: Cluster) -> Cluster:
        return replace(cluster, source=replace(cluster.source, **change))  # type: ignore[arg-type]

    with pytest.raises(InvalidCluster, match=message):
        stacks.change("db", change_source)

    assert "update" not in heat.asked
