"""Guests that boot from a copy of another guest's disk: their identity, and what becomes of their data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.errors import StackFailed
from tests.support.cloning_hypervisor import CloningHypervisor
from tests.support.guest_cloud import STACK_TIMEOUT_S, GuestCloud, open_guest_cloud
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)

MARIADB, MYSQL = (Node(flavor="m1.tiny", image=f"guestagent-{family}") for family in ("mariadb", "mysql"))
EACH_FAMILY = pytest.mark.parametrize("node", [MARIADB, MYSQL], ids=["mariadb", "mysql"])


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(
        free_subnet, tmp_path / "state", images, hypervisor_type=CloningHypervisor
    ) as cloud:
        get_hypervisor(cloud).origins = {}
        yield cloud
        assert cloud.server.dangerous_reads == []


def get_hypervisor(cloud: GuestCloud) -> CloningHypervisor:
    assert isinstance(cloud.hypervisor, CloningHypervisor)
    return cloud.hypervisor


def build_cluster(node: Node, replicas: int = 1) -> Cluster:
    return Cluster.new(source=node, replicas=[node] * replicas, polling_interval=1, dialect=Dialect.CFN)


def create_cluster_with_rows(cloud: GuestCloud, node: Node) -> tuple[str, str]:
    """Create a source with two rows and a replica, and return their guests."""
    cloud.create("prod", build_cluster(node))
    source, replica = cloud.find_guest("prod-Master0000"), cloud.find_guest("prod-Slave0000")
    cloud.execute(source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
    cloud.execute(source, "INSERT INTO d.t VALUES (1), (2)")
    wait_until(lambda: count_rows(cloud, replica) == "2")
    return source, replica


def add_clone(cloud: GuestCloud, origin: str, node: Node) -> str:
    """Add a replica whose disk is a copy, and return its guest."""
    get_hypervisor(cloud).origins = {"prod-Slave0001": origin}
    work = cloud.stacks.change("prod", lambda now: now.add_replica(node))
    cloud.stacks.wait(work, STACK_TIMEOUT_S)
    return cloud.find_guest("prod-Slave0001")


def count_rows(cloud: GuestCloud, guest: str) -> str:
    tables = cloud.query_value(
        guest, "(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'd')"
    )
    return cloud.query_value(guest, "(SELECT COUNT(*) FROM d.t)") if tables == "1" else "no table"


def read_file(cloud: GuestCloud, guest: str, name: str) -> str:
    return cloud.hypervisor.run_command(guest, ["cat", name]).stdout


def read_identity(cloud: GuestCloud, guest: str) -> tuple[str, ...]:
    """Return what must differ between any two guests: machine id, server id, and MySQL's server UUID."""
    variables = ["@@server_id"]
    if "mysql" in cloud.hypervisor._folders.read_guest(guest).image:
        variables.append("@@server_uuid")
    return read_file(cloud, guest, "/etc/machine-id"), *(cloud.query_value(guest, each) for each in variables)


def read_secrets(cloud: GuestCloud, guest: str) -> set[str]:
    """Return the password and the credentials for Heat of a replica."""
    document = json.loads(read_file(cloud, guest, "/var/lib/guestagent/document.json"))["document"]
    config = read_file(cloud, guest, "/etc/os-collect-config.conf")
    keys = {line.partition(" = ")[2] for line in config.splitlines() if line.startswith("secret_access_key")}
    return {document["Master"]["User"]["password"], document["ReadyWaitCondition"], *keys}


def find_files_with(cloud: GuestCloud, guest: str, secret: str) -> str:
    """List the files of a guest, except those of its server, that contain a text."""
    folders = (
        "/etc",
        "/var/lib/guestagent",
        "/var/lib/os-collect-config",
        "/var/lib/heat-cfntools",
        "/var/lib/cloud",
    )
    return cloud.hypervisor.run_command(guest, ["grep", "-rlF", "--", secret, *folders, "/var/log"]).stdout


def read_conditions(cloud: GuestCloud, guest: str) -> dict[str, Any]:
    status = json.loads(cloud.hypervisor.run_command(guest, ["guestagent", "status", "--json"]).stdout)
    return {condition["name"]: condition for condition in status["conditions"]}


@pytest.mark.parametrize(
    "node", [MARIADB, pytest.param(MYSQL, marks=pytest.mark.patient)], ids=["mariadb", "mysql"]
)
def test_a_copied_replica_becomes_a_replica_of_the_same_source(cloud: GuestCloud, node: Node) -> None:
    source, replica = create_cluster_with_rows(cloud, node)
    secrets = read_secrets(cloud, replica)

    clone = add_clone(cloud, replica, node)
    cloud.execute(source, "INSERT INTO d.t VALUES (3)")

    wait_until(lambda: {count_rows(cloud, guest) for guest in (replica, clone)} == {"3"})
    identities = [read_identity(cloud, guest) for guest in (source, replica, clone)]
    assert all(len(set(values)) == 3 for values in zip(*identities, strict=True))
    assert replica in read_conditions(cloud, clone)["instance"]["seen"]
    assert "instance" not in read_conditions(cloud, replica)
    assert len(secrets) == 3
    assert [find_files_with(cloud, clone, secret) for secret in secrets] == ["", "", ""]


def test_a_copied_mysql_source_becomes_a_replica_of_its_origin(cloud: GuestCloud) -> None:
    source, _ = create_cluster_with_rows(cloud, MYSQL)

    clone = add_clone(cloud, source, MYSQL)
    cloud.execute(source, "INSERT INTO d.t VALUES (3)")

    wait_until(lambda: count_rows(cloud, clone) == "3")
    assert not set(read_identity(cloud, source)) & set(read_identity(cloud, clone))


def test_a_copied_mariadb_source_is_no_replica_and_is_not_changed(cloud: GuestCloud) -> None:
    source, _ = create_cluster_with_rows(cloud, MARIADB)

    with pytest.raises(StackFailed, match="transactions of its own"):
        add_clone(cloud, source, MARIADB)

    clone = cloud.find_guest("prod-Slave0001")
    assert count_rows(cloud, clone) == "2"
    assert cloud.query_value(clone, "@@read_only") == "1"
    assert read_file(cloud, clone, "/etc/machine-id") != read_file(cloud, source, "/etc/machine-id")


def test_a_clone_that_wrote_before_the_copy_fails_as_a_replica(cloud: GuestCloud) -> None:
    _, replica = create_cluster_with_rows(cloud, MARIADB)
    cloud.execute(replica, "INSERT INTO d.t VALUES (9)")

    with pytest.raises(StackFailed, match="errant transactions"):
        add_clone(cloud, replica, MARIADB)

    assert count_rows(cloud, cloud.find_guest("prod-Slave0001")) == "3"


@EACH_FAMILY
def test_a_copied_source_becomes_the_source_of_a_cluster_of_its_own(cloud: GuestCloud, node: Node) -> None:
    source, _ = create_cluster_with_rows(cloud, node)
    get_hypervisor(cloud).origins = {"test-Master0000": source}

    cloud.create("test", build_cluster(node))

    clone, replica = cloud.find_guest("test-Master0000"), cloud.find_guest("test-Slave0000")
    cloud.execute(clone, "INSERT INTO d.t VALUES (3)")
    wait_until(lambda: count_rows(cloud, replica) == "3")
    assert count_rows(cloud, source) == "2"


@pytest.mark.patient
def test_a_clone_whose_power_is_cut_again_and_again_is_cleaned_in_the_end(cloud: GuestCloud) -> None:
    _, replica = create_cluster_with_rows(cloud, MARIADB)
    secrets = read_secrets(cloud, replica)
    get_hypervisor(cloud).power_cuts = (0.3, 0.5, 0.7, 0.9)

    clone = add_clone(cloud, replica, MARIADB)

    assert replica in read_conditions(cloud, clone)["instance"]["seen"]
    assert [find_files_with(cloud, clone, secret) for secret in secrets] == ["", "", ""]


def test_a_guest_that_reboots_is_no_clone(cloud: GuestCloud) -> None:
    _, replica = create_cluster_with_rows(cloud, MARIADB)
    document = read_file(cloud, replica, "/var/lib/guestagent/document.json")

    cloud.hypervisor.cut_power(replica)
    cloud.hypervisor.reboot(replica)

    wait_until(
        lambda: json.loads(read_file(cloud, replica, "/var/lib/guestagent/instance.json"))["origin"] == "", 20
    )
    assert read_file(cloud, replica, "/var/lib/guestagent/document.json") == document
