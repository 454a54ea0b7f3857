"""The main job in HOT on real servers: a cluster comes, grows, is resized, shrinks and goes, and its rows stay."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.compute import NETWORK_ID, SUBNET_ID
from guestagent.embedded.guests.requirements import require
from guestagent.errors import UnsupportedEnvironment
from tests.integration.clouds import PATIENCE, Cloud, cloud_on

pytestmark = pytest.mark.timeout(240)

NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")


@pytest.fixture
def cloud(tmp_path: Path, free_subnet: IPv4Network) -> Iterator[Cloud]:
    try:
        require(tmp_path, ["mariadbd"])
    except UnsupportedEnvironment as lack:
        pytest.skip(str(lack))
    with cloud_on(free_subnet, tmp_path / "state", tmp_path / "images") as cloud:
        yield cloud
        assert cloud.served.dangerous_reads == []


def cluster(**place: Any) -> Cluster:
    return Cluster.new(source=NODE, replicas=[NODE], polling_interval=1, dialect=Dialect.HOT, **place)


@pytest.mark.parametrize("place", [{"subnet": SUBNET_ID}, {}])
def test_nodes_stand_in_a_subnet_or_in_the_only_network(cloud: Cloud, place: dict[str, Any]) -> None:
    cloud.create("prod", cluster(**place))

    assert all(node.address for node in cloud.stacks.status("prod").nodes)
    assert caught_up(cloud) == "0"


def caught_up(cloud: Cloud) -> str:
    """Whether the replica has all that its source has: 0 where it has."""
    position = cloud.value(cloud.guest("Master0000"), "@@gtid_binlog_pos")
    return cloud.value(cloud.guest("Slave0000"), f"MASTER_GTID_WAIT('{position}', 20)")


def test_a_cluster_comes_grows_is_resized_shrinks_and_goes(cloud: Cloud) -> None:
    assert cloud.create("prod", cluster(network=NETWORK_ID)).status == "CREATE_COMPLETE"
    source, replica = cloud.guest("Master0000"), cloud.guest("Slave0000")
    cloud.ask(source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)", "INSERT INTO d.t VALUES (1), (2)")

    cloud.stacks.wait(cloud.stacks.change("prod", lambda now: now.add_replica(NODE)), PATIENCE)
    cloud.stacks.resize("prod", "Slave0000", "m1.small", PATIENCE)
    cloud.ask(source, "INSERT INTO d.t VALUES (3)")

    assert rows(cloud, "Slave0000", "Slave0001") == ["3", "3"]
    assert (cloud.guest("Master0000"), cloud.guest("Slave0000")) == (source, replica)
    nodes = cloud.stacks.status("prod").nodes
    assert [(node.node.generation, node.node.flavor) for node in nodes] == [
        (2, "m1.tiny"),
        (2, "m1.small"),
        (1, "m1.tiny"),
    ]
    assert [str(node.evidence["role"]) for node in nodes if isinstance(node.evidence, dict)] == [
        "source",
        "replica",
        "replica",
    ]
    assert all(node.address for node in nodes)

    cloud.stacks.wait(cloud.stacks.change("prod", lambda now: now.remove_replica("Slave0000")), PATIENCE)
    assert rows(cloud, "Slave0001") == ["3"]

    cloud.stacks.wait(cloud.stacks.delete("prod"), PATIENCE)
    assert cloud.served.cloud.servers.servers == {}


def rows(cloud: Cloud, *names: str) -> list[str]:
    """How many rows each of these replicas shows once it has all that the source had when we asked."""
    position = cloud.value(cloud.guest("Master0000"), "@@gtid_binlog_pos")
    guests = [cloud.guest(name) for name in names]
    assert [cloud.value(guest, f"MASTER_GTID_WAIT('{position}', 20)") for guest in guests] == ["0"] * len(
        names
    )
    return [cloud.value(guest, "(SELECT COUNT(*) FROM d.t)") for guest in guests]
