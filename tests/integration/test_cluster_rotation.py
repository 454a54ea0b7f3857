"""`guestagent cluster rotate` on real guests, with a writer that goes on and streams that are cut all the while."""

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

pytestmark = pytest.mark.timeout(300)

PLACES = {"cfn": f"subnet: {SUBNET_ID}", "hot": f"network: {NETWORK_ID}"}
GIVEN = {
    "Master0000": "given-to-the-source",
    "Slave0000": "given-to-the-first",
    "Slave0001": "given-to-the-second",
}


@contextmanager
def launched(
    folder: Path, images: Path, subnet: IPv4Network, dialect: str, passwords: str, replicas: int
) -> Iterator[RotationUnderLoad]:
    """The cluster, created as a person does it."""
    (folder / "prod.yaml").write_text(
        f"flavor: m1.tiny\nimage: guestagent-mariadb\nreplicas: {replicas}\npolling_interval: 1\n"
        f"dialect: {dialect}\n{PLACES[dialect]}\npasswords: {passwords}\n"
    )
    nodes: Sequence[str] = list(GIVEN)[: replicas + 1]
    (folder / "given.yaml").write_text(yaml.safe_dump({name: GIVEN[name] for name in nodes}))
    (folder / "given.yaml").chmod(0o600)
    with open_guest_cloud(subnet, folder / "state", images) as cloud:
        write_clouds_yaml(folder, cloud.server)
        prod = RotationUnderLoad(cloud, ClusterCommands(folder), "prod", replicas)
        prod.run_command("create", "prod.yaml")
        yield prod
        assert cloud.server.dangerous_reads == []


@pytest.mark.parametrize(
    ("dialect", "passwords", "replicas"), [("cfn", "heat", 2), ("hot", "{file: given.yaml}", 1)]
)
def test_passwords_are_replaced_under_a_writer_and_no_stream_is_refused(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, dialect: str, passwords: str, replicas: int
) -> None:
    with launched(tmp_path, images, free_subnet, dialect, passwords, replicas) as prod:
        old = prod.read_passwords()

        with prod.open_load() as writer:
            answer = prod.run_command("rotate", "prod", "--json")

        new = prod.read_passwords()
        assert json.loads(answer)["status"] == "UPDATE_COMPLETE"
        assert not set(old.values()) & set(new.values())
        assert (prod.list_rejected_replicas(new), prod.list_rejected_replicas(old)) == ([], prod.replicas)
        assert prod.list_access_denied_lines() == []
        assert prod.cuts >= replicas
        assert writer.acknowledged_rows > 0
        assert not any(prod.find_missing_rows(writer.acknowledged_rows).values())
        assert all(text not in answer for text in (*old.values(), *new.values()))


@pytest.mark.parametrize("update", [1, 2], ids=["while they move", "while the old ones are discarded"])
def test_a_rotation_whose_controller_is_killed_is_ended_by_the_next(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, update: int
) -> None:
    with launched(tmp_path, images, free_subnet, "cfn", "generated", 2) as prod:
        old = prod.read_passwords()

        with prod.open_load() as writer:
            prod.kill_during_update(update, "rotate", "prod")
            prod.run_command("status", "prod", "--watch")
            between = prod.read_passwords()
            left = prod.list_rejected_replicas(old), prod.list_rejected_replicas(between)
            prod.run_command("rotate", "prod")

        new = prod.read_passwords()
        assert left == ([] if update == 1 else prod.replicas, [])
        assert (
            prod.list_rejected_replicas(new),
            prod.list_rejected_replicas(between),
            prod.list_rejected_replicas(old),
        ) == ([], prod.replicas, prod.replicas)
        assert prod.list_access_denied_lines() == []
        assert not any(prod.find_missing_rows(writer.acknowledged_rows).values())
