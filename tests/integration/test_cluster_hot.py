"""HOT on real servers, with and without a subnet; test_cluster_lifecycle.py has the whole lifecycle."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.replica_position import wait_for_replica

pytestmark = pytest.mark.timeout(900)

NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud
        assert cloud.server.dangerous_reads == []


def build_cluster(**network_options: Any) -> Cluster:
    return Cluster.new(
        source=NODE, replicas=[NODE], polling_interval=1, dialect=Dialect.HOT, **network_options
    )


@pytest.mark.parametrize("network_options", [{"subnet": SUBNET_ID}, {}])
def test_nodes_are_created_in_a_subnet_or_in_the_only_network(
    cloud: GuestCloud, network_options: dict[str, Any]
) -> None:
    cloud.create("prod", build_cluster(**network_options))

    assert all(node.address for node in cloud.stacks.status("prod").nodes)
    wait_for_replica(cloud, cloud.find_guest("Master0000"), cloud.find_guest("Slave0000"))
