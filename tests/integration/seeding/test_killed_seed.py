"""Kills of every part while a replica is seeded: the node still becomes ready, with the source's data."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller.seed import SeedSettings
from guestagent.seeding import SeedPhase
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.seed_kills import Moment, Victim, choose_moment, find_stage, kill_victim, wait_for_stage
from tests.support.seeded_cluster import METHODS, SeededCluster

pytestmark = pytest.mark.timeout(900)

ROWS = 50_000
RATE_LIMIT_MIB = 12
"""The transfer then takes some seconds, in which it is hit."""
RANDOM_KILLS = 20
SHOWN_KILLS = [
    pytest.param(
        image, victim, id=f"{image}-{victim}", marks=() if victim.name == "worker" else pytest.mark.patient
    )
    for image in METHODS
    for victim in find_stage(image, SeedPhase.TRANSFERRING).victims
]


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud


@pytest.fixture
def cluster(cloud: GuestCloud, image: str) -> SeededCluster:
    cluster = SeededCluster(cloud, image, SeedSettings(rate_limit=RATE_LIMIT_MIB))
    cluster.create_source(ROWS)
    return cluster


def join_under_kill(cluster: SeededCluster, moment: Moment) -> None:
    """Add the replica, kill the victim at this moment, and compare all rows when the node is ready."""
    cluster.add_replica()
    wait_for_stage(cluster, moment.stage)
    time.sleep(moment.delay_s)
    print(f"{moment}: {kill_victim(cluster, moment.victim)}")

    stack = cluster.wait_until_seeded(240)

    assert stack.status == "UPDATE_COMPLETE", cluster.collect_evidence()
    cluster.wait_for_servers()  # one that was killed after the end of the seed may be starting
    assert cluster.compute_checksum(cluster.replica) == cluster.compute_checksum(cluster.source)
    assert cluster.list_left_files() == []


@pytest.mark.parametrize(("image", "victim"), SHOWN_KILLS)
def test_a_seed_survives_a_kill_in_its_transfer(cluster: SeededCluster, image: str, victim: Victim) -> None:
    join_under_kill(cluster, Moment(find_stage(image, SeedPhase.TRANSFERRING), 1.0, victim))


@pytest.mark.patient
@pytest.mark.parametrize("image", METHODS)
@pytest.mark.parametrize("number", range(RANDOM_KILLS))
def test_a_seed_survives_a_kill_at_any_moment(cluster: SeededCluster, image: str, number: int) -> None:
    join_under_kill(cluster, choose_moment(image, number))
