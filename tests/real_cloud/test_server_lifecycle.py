"""The real services themselves: a server with a volume and a port, and the faults that names ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestagent.embedded.real_cloud import RealCloud
from tests.support.cloud_lifecycle import ServerLifecycle

pytestmark = pytest.mark.timeout(900)
MEMORY_LIMIT_MIB = 3072


@pytest.fixture(scope="module")
def servers(real_cloud: RealCloud) -> ServerLifecycle:
    return ServerLifecycle(real_cloud.open_requests())


def test_a_server_lives_with_a_volume_and_a_port(servers: ServerLifecycle) -> None:
    port, volume = servers.create_port("db-port"), servers.create_volume("db-data")

    server = servers.create_server("db", port)
    assert servers.await_server(server) == "ACTIVE"
    servers.attach(server, volume)
    assert servers.await_volume(volume, "in-use") == "in-use"
    servers.resize(server, "m1.small")
    assert servers.await_server(server, "VERIFY_RESIZE") == "VERIFY_RESIZE"
    servers.confirm_resize(server)
    assert servers.await_server(server) == "ACTIVE"
    servers.delete_server(server)

    assert servers.await_server(server, "gone") == "gone"
    assert servers.await_volume(volume, "available") == "available"
    assert servers.read_port(port)["device_id"] == ""
    servers.delete_port(port)
    servers.delete_volume(volume)
    assert servers.await_volume(volume, "gone") == "gone"


@pytest.mark.parametrize(
    ("name", "flavor", "status"),
    [("fail-spawn", "m1.tiny", "ERROR"), ("db", "broken", "ERROR"), ("slow-1", "m1.tiny", "ACTIVE")],
)
def test_a_server_fails_as_its_name_or_flavor_asks(
    servers: ServerLifecycle, name: str, flavor: str, status: str
) -> None:
    server = servers.create_server(name, servers.create_port("db-port"), flavor)

    assert servers.await_server(server) == status
    servers.delete_server(server)


@pytest.mark.parametrize(
    ("name", "volume_type", "status"),
    [("fail-create", None, "error"), ("db", "broken", "error"), ("slow-1", None, "available")],
)
def test_a_volume_fails_as_its_name_or_type_asks(
    servers: ServerLifecycle, name: str, volume_type: str | None, status: str
) -> None:
    volume = servers.create_volume(name, volume_type)

    assert servers.await_volume(volume) == status
    servers.delete_volume(volume)


def test_a_port_that_cannot_be_bound_fails_its_server(servers: ServerLifecycle) -> None:
    server = servers.create_server("db", servers.create_port("fail-bind"))

    assert servers.await_server(server) == "ERROR"
    servers.delete_server(server)


def test_a_service_that_was_killed_comes_back(real_cloud: RealCloud, servers: ServerLifecycle) -> None:
    port = servers.create_port("db-port")

    real_cloud.kill("nova")
    real_cloud.restart("nova")
    server = servers.create_server("db", port)

    assert servers.await_server(server) == "ACTIVE"
    servers.delete_server(server)


def test_no_service_has_rights(real_cloud: RealCloud) -> None:
    services = {name: pid for name, pid in real_cloud.pids.items() if name != "network"}
    statuses = {name: Path(f"/proc/{pid}/status").read_text() for name, pid in services.items()}

    assert {name for name, status in statuses.items() if "\nCapEff:\t0000000000000000\n" in status} == set(
        services
    )
    assert {name for name, pid in services.items() if Path(f"/proc/{pid}").stat().st_uid != 0} == set(
        services
    )


def test_the_services_need_little_memory(real_cloud: RealCloud) -> None:
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in real_cloud.pids.values()]

    total_kib = sum(int(rollup.split("\nPss:")[1].split()[0]) for rollup in rollups)

    assert os.getpid() not in real_cloud.pids.values()
    assert total_kib / 1024 < MEMORY_LIMIT_MIB
