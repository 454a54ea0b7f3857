"""A cluster in HOT on real servers whose data are on volumes of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.replica_position import wait_for_replica
from tests.support.volume_cluster import GIB, build_volume_cluster, measure_data_directory, run_writer

pytestmark = pytest.mark.timeout(900)

GROWTH_TIMEOUT_S = 300.0


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud
        assert cloud.server.dangerous_reads == []


def test_the_volume_of_the_source_grows_under_a_writer_and_stays_when_the_stack_goes(
    cloud: GuestCloud,
) -> None:
    cloud.create("prod", build_volume_cluster())
    source, replica = cloud.find_guest("Master0000"), cloud.find_guest("Slave0000")
    before = measure_data_directory(cloud, source)

    with run_writer(cloud, source) as writer:
        stack = cloud.stacks.resize_volume("prod", "Master0000", 2, GROWTH_TIMEOUT_S)

    assert stack.status == "UPDATE_COMPLETE"
    assert (writer.failures, writer.count > 0) == ([], True)
    assert before < GIB < measure_data_directory(cloud, source)
    wait_for_replica(cloud, source, replica)
    assert cloud.query_value(replica, "(SELECT COUNT(*) FROM shop.t)") == str(writer.count)
    storage = cloud.server.cloud.compute.storage
    cloud.stacks.wait(cloud.stacks.delete("prod"), GROWTH_TIMEOUT_S)
    assert sorted(each.size_gib for each in storage.volumes.values()) == [1, 2]
