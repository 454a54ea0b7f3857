"""A replica that is booted from an image gets its data by a dump, by the programs and under the units of the image."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import SeedSettings
from guestagent.embedded.containers import ImageTree
from tests.support.image_cloud import open_image_cloud
from tests.support.seeded_cluster import JOINING, SeededCluster

ROWS = 20_000


@pytest.mark.patient
@pytest.mark.timeout(900)
def test_a_replica_of_an_image_is_seeded_by_a_dump(
    tmp_path: Path, tree: ImageTree, free_subnet: IPv4Network
) -> None:
    with open_image_cloud(free_subnet, tmp_path / "state", tree) as cloud:
        cluster = SeededCluster(cloud, f"guestagent-{tree.family}", SeedSettings("dump"))
        cluster.create_source(ROWS)

        cluster.add_replica()
        stack = cluster.wait_for_replica()

        log = cloud.read_log(cluster.replica, "guestagent-seed.service")
        assert stack.status == "UPDATE_COMPLETE", log
        assert "the seed is complete" in log
        (evidence,) = (
            node.evidence for node in cloud.stacks.status(cluster.name).nodes if node.name == JOINING
        )
        assert isinstance(evidence, dict)
        assert evidence["seeding"] == "dump"
        assert cluster.compute_checksum(cluster.replica) == cluster.compute_checksum(cluster.source)
