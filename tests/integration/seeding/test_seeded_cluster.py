"""A replica joins a source that has purged its binary logs: template, agents, donor, worker and channel together."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import SeedSettings
from guestagent.embedded.guests import NamespaceHypervisor
from tests.support.cluster_lifecycle import list_accounts
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.polling import wait_until
from tests.support.seeded_cluster import METHODS, SeededCluster

pytestmark = pytest.mark.timeout(900)

ROWS = 50_000


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud


CASES = [
    *(pytest.param(image, "auto", method, id=f"{image}-auto") for image, method in METHODS.items()),
    *(
        pytest.param(image, "dump", "dump", id=f"{image}-dump", marks=pytest.mark.patient)
        for image in METHODS
    ),
]


def read_logs(cluster: SeededCluster, guest: str) -> str:
    hypervisor = cluster.cloud.hypervisor
    assert isinstance(hypervisor, NamespaceHypervisor)
    logs = (hypervisor.find_folder(guest) / "var" / "log").glob("*.log")
    return "".join(log.read_text(errors="replace") for log in logs)


def list_donors(cluster: SeededCluster, guest: str) -> list[str]:
    """Return the donor accounts on a node."""
    return [name for name in list_accounts(cluster.cloud, guest) if "donor" in name or "seed" in name]


def is_donor_running(cluster: SeededCluster) -> bool:
    hypervisor = cluster.cloud.hypervisor
    assert isinstance(hypervisor, NamespaceHypervisor)
    return hypervisor.run_command(cluster.source, ["pgrep", "-f", "donor serve"]).returncode == 0


@pytest.mark.parametrize(("image", "wanted", "method"), CASES)
def test_a_replica_joins_a_source_without_its_first_logs(
    cloud: GuestCloud, image: str, wanted: str, method: str
) -> None:
    cluster = SeededCluster(cloud, image, SeedSettings(wanted))
    cluster.create_source(ROWS)

    cluster.add_replica()

    stack = cluster.wait_for_replica()

    assert stack.status == "UPDATE_COMPLETE", cluster.cloud.read_log(cluster.replica)
    assert cluster.compute_checksum(cluster.replica) == cluster.compute_checksum(cluster.source)
    [evidence] = [
        node.evidence for node in cluster.cloud.stacks.status(cluster.name).nodes if node.name == "Slave0000"
    ]
    assert isinstance(evidence, dict)
    assert evidence["seeding"] == method
    donor_password = cluster.read_donor_password()
    cluster.cloud.execute(cluster.source, "INSERT INTO shop.t (pad) VALUES ('later')")
    wait_until(lambda: cluster.compute_checksum(cluster.replica) == cluster.compute_checksum(cluster.source))
    wait_until(lambda: not list_donors(cluster, cluster.source), timeout_s=60)
    wait_until(lambda: not list_donors(cluster, cluster.replica), timeout_s=60)
    wait_until(lambda: not is_donor_running(cluster), timeout_s=60)
    for guest in (cluster.source, cluster.replica):
        assert donor_password not in read_logs(cluster, guest)
