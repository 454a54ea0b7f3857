"""A replica that joins a cluster whose source has purged binary logs: real servers on the embedded cloud."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Dialect
from tests.support.cluster_lifecycle import NODE, build_cluster
from tests.support.guest_cloud import STACK_TIMEOUT_S, GuestCloud, open_guest_cloud
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud
        assert cloud.server.dangerous_reads == []


def list_accounts(cloud: GuestCloud, guest: str) -> set[str]:
    return {row["User"] for row in cloud.execute(guest, "SELECT User FROM mysql.user")}


def test_a_replica_joins_a_source_without_its_first_logs(cloud: GuestCloud) -> None:
    stacks = cloud.stacks
    stacks.wait(stacks.create("prod", build_cluster(0, Dialect.HOT)), STACK_TIMEOUT_S)
    source = cloud.find_guest("prod-Master0000")
    cloud.execute(
        source,
        "CREATE DATABASE d",
        "CREATE TABLE d.t (id INT)",
        "INSERT INTO d.t VALUES (1), (2)",
    )
    cloud.purge_logs(source)

    stacks.wait(stacks.change("prod", lambda cluster: cluster.add_replica(NODE)), STACK_TIMEOUT_S)

    replica = cloud.find_guest("prod-Slave0000")
    evidence = stacks.status("prod").nodes[1].evidence
    assert isinstance(evidence, dict)
    assert evidence["seeding"] == "backup"
    assert cloud.query_value(replica, "(SELECT COUNT(*) FROM d.t)") == "2"
    wait_until(lambda: "slave0000_donor" not in list_accounts(cloud, source))


def test_a_replica_that_has_parted_from_its_source_is_reseeded(cloud: GuestCloud) -> None:
    stacks = cloud.stacks
    stacks.wait(stacks.create("prod", build_cluster(1, Dialect.HOT)), STACK_TIMEOUT_S)
    replica = cloud.find_guest("prod-Slave0000")
    cloud.execute(replica, "CREATE DATABASE errant")
    cloud.execute(cloud.find_guest("prod-Master0000"), "CREATE DATABASE d")

    stacks.wait(stacks.change("prod", lambda cluster: cluster.reseed("Slave0000")), STACK_TIMEOUT_S)

    evidence = stacks.status("prod").nodes[1].evidence
    assert isinstance(evidence, dict)
    assert evidence["seeding"] == "backup"
    schemas = {row["Database"] for row in cloud.execute(replica, "SHOW DATABASES")}
    assert "d" in schemas
    assert "errant" not in schemas
