"""HOT on real servers, wherever the nodes may stand; a whole life stands in test_life.py."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from tests.support.guest_cloud import GuestCloud, open_guest_cloud

pytestmark = pytest.mark.timeout(240)

NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud
        assert cloud.server.dangerous_reads == []


def cluster(**place: Any) -> Cluster:
    return Cluster.new(source=NODE, replicas=[NODE], polling_interval=1, dialect=Dialect.HOT, **place)


@pytest.mark.parametrize("place", [{"subnet": SUBNET_ID}, {}])
def test_nodes_stand_in_a_subnet_or_in_the_only_network(cloud: GuestCloud, place: dict[str, Any]) -> None:
    cloud.create("prod", cluster(**place))

    assert all(node.address for node in cloud.stacks.status("prod").nodes)
    assert caught_up(cloud) == "0"


def caught_up(cloud: GuestCloud) -> str:
    """Whether the replica has all that its source has: 0 where it has."""
    position = cloud.query_value(cloud.find_guest("Master0000"), "@@gtid_binlog_pos")
    return cloud.query_value(cloud.find_guest("Slave0000"), f"MASTER_GTID_WAIT('{position}', 20)")
