"""A cluster on an IPv6-only subnet: services, guests, metadata, channels and signals."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from tests.support.guest_cloud import open_guest_cloud

pytestmark = pytest.mark.timeout(900)

NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")


@pytest.mark.parametrize(
    "dialect", [Dialect.HOT, pytest.param(Dialect.CFN, marks=pytest.mark.patient)], ids=["hot", "cfn"]
)
def test_a_cluster_becomes_ready_on_ipv6_alone(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, dialect: Dialect
) -> None:
    network = IPv6Network(f"fd00:77:{str(free_subnet).split('.')[2]}::/64")
    cluster = Cluster.new(
        source=NODE,
        replicas=[NODE],
        subnet=SUBNET_ID,
        ipv6=True,
        replica_network=str(network),
        client_networks=["2001:db8::/32"],
        polling_interval=1,
        dialect=dialect,
    )

    with open_guest_cloud(free_subnet, tmp_path / "state", images, network) as cloud:
        cloud.create("prod", cluster)

        assert cloud.stacks.cluster("prod").ipv6
        assert {IPv6Address(node.address or "") in network for node in cloud.stacks.status("prod").nodes} == {
            True
        }
        accounts = cloud.execute(
            cloud.find_guest("Master0000"), "SELECT Host FROM mysql.user WHERE User = 'slave0000'"
        )
        prefix = str(network.network_address).removesuffix("::")
        assert {row["Host"] for row in accounts} == {f"{prefix}::%", f"{prefix}:0:%"}
