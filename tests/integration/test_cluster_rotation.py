"""`guestagent cluster rotate` on real guests, with a writer that goes on and streams that are cut all the while."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from guestagent.embedded.compute import NETWORK_ID, SUBNET_ID
from tests.integration.clouds import cloud_on
from tests.integration.commands import Commands, clouds_yaml
from tests.integration.rotating import Rotated

pytestmark = pytest.mark.timeout(300)

PLACES = {"cfn": f"subnet: {SUBNET_ID}", "hot": f"network: {NETWORK_ID}"}
GIVEN = {"Master0000": "given-to-the-source", "Slave0000": "given-to-the-first", "Slave0001": "given-to-the-second"}


@contextmanager
def launched(
    folder: Path, images: Path, subnet: IPv4Network, dialect: str, passwords: str, replicas: int
) -> Iterator[Rotated]:
    """The cluster, created as a person does it."""
    (folder / "prod.yaml").write_text(
        f"flavor: m1.tiny\nimage: guestagent-mariadb\nreplicas: {replicas}\npolling_interval: 1\n"
        f"dialect: {dialect}\n{PLACES[dialect]}\npasswords: {passwords}\n"
    )
    nodes: Sequence[str] = list(GIVEN)[: replicas + 1]
    (folder / "given.yaml").write_text(yaml.safe_dump({name: GIVEN[name] for name in nodes}))
    (folder / "given.yaml").chmod(0o600)
    with cloud_on(subnet, folder / "state", images) as cloud:
        clouds_yaml(folder, cloud.served)
        prod = Rotated(cloud, Commands(folder), "prod", replicas)
        prod.run("create", "prod.yaml")
        yield prod
        assert cloud.served.dangerous_reads == []


@pytest.mark.parametrize(
    ("dialect", "passwords", "replicas"), [("cfn", "heat", 2), ("hot", "{file: given.yaml}", 1)]
)
def test_passwords_are_replaced_under_a_writer_and_no_stream_is_refused(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, dialect: str, passwords: str, replicas: int
) -> None:
    with launched(tmp_path, images, free_subnet, dialect, passwords, replicas) as prod:
        old = prod.passwords()

        with prod.in_use() as writer:
            answer = prod.run("rotate", "prod", "--json")

        new = prod.passwords()
        assert json.loads(answer)["status"] == "UPDATE_COMPLETE"
        assert not set(old.values()) & set(new.values())
        assert (prod.refused(new), prod.refused(old)) == ([], prod.replicas)
        assert prod.refusals() == []
        assert prod.cuts >= replicas
        assert writer.acknowledged > 0
        assert not any(prod.lacking(writer.acknowledged).values())
        assert all(text not in answer for text in (*old.values(), *new.values()))


@pytest.mark.parametrize("update", [1, 2], ids=["while they move", "while the old ones are discarded"])
def test_a_rotation_whose_controller_is_killed_is_ended_by_the_next(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, update: int
) -> None:
    with launched(tmp_path, images, free_subnet, "cfn", "generated", 2) as prod:
        old = prod.passwords()

        with prod.in_use() as writer:
            prod.killed(update, "rotate", "prod")
            prod.run("status", "prod", "--watch")
            between = prod.passwords()
            left = prod.refused(old), prod.refused(between)
            prod.run("rotate", "prod")

        new = prod.passwords()
        assert left == ([] if update == 1 else prod.replicas, [])
        assert (prod.refused(new), prod.refused(between), prod.refused(old)) == ([], prod.replicas, prod.replicas)
        assert prod.refusals() == []
        assert not any(prod.lacking(writer.acknowledged).values())
