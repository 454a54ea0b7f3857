"""`guestagent cluster rotate` on real guests, under writes and with killed replication connections."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID
from tests.support.cluster_commands import ClusterCommands, write_clouds_yaml
from tests.support.guest_cloud import open_guest_cloud
from tests.support.rotation_under_load import RotationUnderLoad

pytestmark = pytest.mark.timeout(900)

NETWORK_OPTIONS = {"cfn": f"subnet: {SUBNET_ID}", "hot": f"network: {NETWORK_ID}"}
PASSWORDS = {
    "Master0000": "given-to-the-source",
    "Slave0000": "given-to-the-first",
    "Slave0001": "given-to-the-second",
}


@contextmanager
def open_cluster(
    folder: Path, images: Path, subnet: IPv4Network, dialect: str, passwords: str, replicas: int
) -> Iterator[RotationUnderLoad]:
    """Create a cluster from the command line."""
    (folder / "prod.yaml").write_text(
        f"flavor: m1.tiny\nimage: guestagent-mariadb\nreplicas: {replicas}\npolling_interval: 1\n"
        f"dialect: {dialect}\n{NETWORK_OPTIONS[dialect]}\npasswords: {passwords}\n"
    )
    nodes: Sequence[str] = list(PASSWORDS)[: replicas + 1]
    (folder / "given.yaml").write_text(yaml.safe_dump({name: PASSWORDS[name] for name in nodes}))
    (folder / "given.yaml").chmod(0o600)
    with open_guest_cloud(subnet, folder / "state", images) as cloud:
        write_clouds_yaml(folder, cloud.server)
        cluster = RotationUnderLoad(cloud, ClusterCommands(folder), "prod", replicas)
        cluster.run_command("create", "prod.yaml")
        yield cluster
        assert cloud.server.dangerous_reads == []


@pytest.mark.parametrize(
    ("dialect", "passwords", "replicas"), [("cfn", "heat", 2), ("hot", "{file: given.yaml}", 1)]
)
def test_passwords_are_replaced_under_load_and_no_replica_is_rejected(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, dialect: str, passwords: str, replicas: int
) -> None:
    with open_cluster(tmp_path, images, free_subnet, dialect, passwords, replicas) as cluster:
        old = cluster.read_passwords()

        with cluster.open_load() as writer:
            answer = cluster.run_command("rotate", "prod", "--json")

        new = cluster.read_passwords()
        assert json.loads(answer)["status"] == "UPDATE_COMPLETE"
        assert not set(old.values()) & set(new.values())
        assert (cluster.list_rejected_replicas(new), cluster.list_rejected_replicas(old)) == (
            [],
            cluster.replicas,
        )
        assert cluster.list_access_denied_lines() == []
        assert cluster.kills >= replicas
        assert writer.acknowledged_rows > 0
        assert not any(cluster.find_missing_rows(writer.acknowledged_rows).values())
        assert all(text not in answer for text in (*old.values(), *new.values()))


@pytest.mark.parametrize("update", [1, 2], ids=["while they move", "while the old ones are discarded"])
def test_the_next_rotation_completes_one_whose_controller_was_killed(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, update: int
) -> None:
    with open_cluster(tmp_path, images, free_subnet, "cfn", "generated", 2) as cluster:
        old = cluster.read_passwords()

        with cluster.open_load() as writer:
            cluster.kill_during_update(update, "rotate", "prod")
            cluster.run_command("status", "prod", "--watch")
            passwords_between = cluster.read_passwords()
            rejected_between = (
                cluster.list_rejected_replicas(old),
                cluster.list_rejected_replicas(passwords_between),
            )
            cluster.run_command("rotate", "prod")

        new = cluster.read_passwords()
        assert not set(old.values()) & set(passwords_between.values())
        assert rejected_between == ([] if update == 1 else cluster.replicas, [])
        assert (
            cluster.list_rejected_replicas(new),
            cluster.list_rejected_replicas(passwords_between),
            cluster.list_rejected_replicas(old),
        ) == ([], cluster.replicas, cluster.replicas)
        assert cluster.list_access_denied_lines() == []
        assert not any(cluster.find_missing_rows(writer.acknowledged_rows).values())
