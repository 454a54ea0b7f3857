"""`guestagent cluster repair STACK NODE --reseed` leads out of each failure that nothing else repairs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Cluster, Dialect
from guestagent.embedded.guests import NamespaceHypervisor
from tests.support.cluster_commands import ClusterCommands, write_clouds_yaml
from tests.support.disturbed_seeds import wait_until_donor_is_gone
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.polling import wait_until
from tests.support.seeded_cluster import JOINING, METHODS, SeededCluster

pytestmark = pytest.mark.timeout(900)

COMMAND_TIMEOUT_S = 180
DEADLINE_S = 12
"""A node that nothing repairs fails after so many seconds, if not at once."""
STATEMENTS = {
    "guestagent-mariadb": ("STOP SLAVE SQL_THREAD", "STOP SLAVE", "SET GLOBAL read_only = 0"),
    "guestagent-mysql": ("STOP REPLICA SQL_THREAD", "STOP REPLICA", "SET GLOBAL super_read_only = 0"),
}


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud


@pytest.fixture(params=METHODS)
def cluster(request: pytest.FixtureRequest, cloud: GuestCloud, tmp_path: Path) -> SeededCluster:
    """A source and a replica with the same rows."""
    write_clouds_yaml(tmp_path, cloud.server)
    cluster = SeededCluster(cloud, request.param)
    nodes = Cluster.new(
        source=cluster.node,
        replicas=[cluster.node],
        polling_interval=1,
        dialect=Dialect.CFN,
        deadline=DEADLINE_S,
    )
    cloud.create(cluster.name, nodes)
    cloud.execute(
        cluster.source,
        "CREATE DATABASE shop",
        "CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, pad VARCHAR(200))",
        "INSERT INTO shop.t (pad) VALUES ('before')",
    )
    wait_until(lambda: has_equal_rows(cluster))
    return cluster


@pytest.fixture
def commands(tmp_path: Path) -> ClusterCommands:
    return ClusterCommands(tmp_path)


def has_equal_rows(cluster: SeededCluster) -> bool:
    query = "SELECT COUNT(*) AS value FROM information_schema.tables WHERE table_schema = 'shop'"
    if cluster.cloud.execute(cluster.replica, query)[0]["value"] == "0":
        return False
    return cluster.compute_checksum(cluster.replica) == cluster.compute_checksum(cluster.source)


def run_agent(cluster: SeededCluster, *words: str) -> None:
    command = [sys.executable, "-m", "guestagent", *words]
    answer = cluster.cloud.hypervisor.run_command(cluster.replica, command)
    assert answer.returncode == 0, answer


def write_row(cluster: SeededCluster) -> None:
    cluster.cloud.execute(cluster.source, "INSERT INTO shop.t (pad) VALUES ('missed')")


def write_here(cluster: SeededCluster) -> None:
    """Execute a transaction on the replica alone."""
    cluster.cloud.execute(cluster.replica, STATEMENTS[cluster.image][2], "CREATE DATABASE errant")


def lose_logs(cluster: SeededCluster) -> None:
    """Let the replica be away until its source has purged what it lacks."""
    run_agent(cluster, "pause")
    cluster.cloud.execute(cluster.replica, STATEMENTS[cluster.image][1])
    write_row(cluster)
    cluster.cloud.purge_logs(cluster.source)
    run_agent(cluster, "resume")


def break_relay_log(cluster: SeededCluster) -> None:
    """Damage a transaction that was received and is not applied, and let the source purge it."""
    run_agent(cluster, "pause")
    stop_applier, stop_channel, _ = STATEMENTS[cluster.image]
    cluster.cloud.execute(cluster.replica, stop_applier)
    size = measure_relay_logs(cluster)
    write_row(cluster)
    wait_until(lambda: measure_relay_logs(cluster) > size)
    cluster.cloud.execute(cluster.replica, stop_channel)
    newest = max(list_relay_logs(cluster), key=lambda path: path.stat().st_mtime)
    with newest.open("r+b") as file:
        file.truncate(newest.stat().st_size - 40)
        file.seek(newest.stat().st_size - 100)
        file.write(b"\xff" * 60)
    cluster.cloud.purge_logs(cluster.source)
    run_agent(cluster, "resume")


def list_relay_logs(cluster: SeededCluster) -> list[Path]:
    hypervisor = cluster.cloud.hypervisor
    assert isinstance(hypervisor, NamespaceHypervisor)
    folder = hypervisor.find_folder(cluster.replica) / "var" / "lib" / "mysql"
    return list(folder.glob("relay.[0-9]*"))


def measure_relay_logs(cluster: SeededCluster) -> int:
    return sum(path.stat().st_size for path in list_relay_logs(cluster))


@pytest.mark.patient
@pytest.mark.parametrize(
    "damage",
    [write_here, lose_logs, break_relay_log],
    ids=["errant transactions", "purged logs", "a broken relay log"],
)
def test_a_reseed_leads_out_of_a_failure(
    cluster: SeededCluster, commands: ClusterCommands, damage: Callable[[SeededCluster], None]
) -> None:
    damage(cluster)
    repair = ("repair", cluster.name, JOINING, "--wait")
    failed_code, output, error = commands.run(*repair, timeout_s=COMMAND_TIMEOUT_S)
    assert (failed_code != 0, "reseed" in error) == (True, True), (output, error)

    exit_code, output, error = commands.run(*repair, "--reseed", "--yes", timeout_s=COMMAND_TIMEOUT_S)

    assert exit_code == 0, (output, error, cluster.collect_evidence())
    wait_until(lambda: has_equal_rows(cluster))
    assert not any(
        row["Database"] == "errant" for row in cluster.cloud.execute(cluster.replica, "SHOW DATABASES")
    )
    assert cluster.list_left_files() == []
    wait_until_donor_is_gone(cluster)
