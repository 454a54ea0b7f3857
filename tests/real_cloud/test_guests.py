"""Clusters with real databases on the real services: guests get what Nova writes on a config drive, and volumes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.host.loop_devices import list_loop_devices
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.orders import (
    CreateCluster,
    DeleteCluster,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    VolumeFate,
)
from tests.support.polling import wait_until
from tests.support.real_cloud import RealCloudOperator, RealCloudWithGuests
from tests.support.real_guest_cluster import RealGuestCluster, open_guest_cluster

pytestmark = pytest.mark.timeout(1800)
DESCRIPTION: dict[str, object] = {
    "flavor": "m1.tiny",
    "image": "guestagent-mariadb",
    "subnet": "embedded-subnet",
    "volume": {"size_gib": 1},
    "polling_interval": 1,
    "source": {},
    "replicas": 1,
}
GIB = 1 << 30


@pytest.fixture
def cluster(
    cloud_with_guests: RealCloudWithGuests, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[RealGuestCluster]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    operator = RealCloudOperator(cloud_with_guests.cloud)
    login = operator.create_project(f"guests-{secrets.token_hex(3)}")
    with open_guest_cluster(cloud_with_guests, login, tmp_path, request.param) as opened:
        yield opened


def has_row(cluster: RealGuestCluster, number: int) -> bool:
    rows = cluster.execute("Slave0000", "SELECT id FROM shop.t")
    return str(number) in {row["id"] for row in rows}


@pytest.mark.parametrize("cluster", ["natives", "orchestrator"], indirect=True)
def test_a_replica_follows_its_source_through_growth_and_resize(
    cluster: RealGuestCluster, cloud_with_guests: RealCloudWithGuests
) -> None:
    cluster.carry_out(CreateCluster, description=DESCRIPTION)
    cluster.execute(
        "Master0000",
        "CREATE DATABASE shop",
        "CREATE TABLE shop.t (id INT PRIMARY KEY)",
        "INSERT INTO shop.t VALUES (1)",
    )
    wait_until(lambda: cluster.execute("Slave0000", "SHOW DATABASES LIKE 'shop'") != [])
    wait_until(lambda: has_row(cluster, 1))

    cluster.carry_out(ResizeVolume, instance="Slave0000", size_gib=2)
    grown = cluster.measure("Slave0000")
    cluster.carry_out(ResizeInstance, instance="Slave0000", flavor="m1.small", on_failure=ResizeFailure.KEEP)
    cluster.execute("Master0000", "INSERT INTO shop.t VALUES (2)")
    wait_until(lambda: has_row(cluster, 2))

    assert grown > GIB
    cluster.carry_out(DeleteCluster, volumes=VolumeFate.DELETE)
    seen = OpenStackProject(cluster.connection).observe()
    assert (seen.servers, seen.volumes, seen.ports) == ({}, {}, {})
    folder = cloud_with_guests.folder
    assert [device for device in list_loop_devices() if folder in device.file.parents] == []
