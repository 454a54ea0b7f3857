"""Kills of every part while a replica is seeded: the node still becomes ready, with the source's data."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller.seed import SeedSettings
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.polling import wait_until
from tests.support.seeded_cluster import METHODS, SeededCluster

pytestmark = pytest.mark.timeout(400)

ROWS = 50_000
RATE_LIMIT_MIB = 12
"""The transfer then takes some seconds, in which it is hit."""
RANDOM_KILLS = 20


@dataclass(frozen=True, slots=True)
class Victim:
    """Processes of the source or the replica, by a pattern of their command lines."""

    name: str
    is_source: bool
    pattern: str

    def __str__(self) -> str:
        return f"{'source' if self.is_source else 'replica'}-{self.name}"


SERVER_PATTERN = "^/usr/sbin/m(ariadb|ysql)d"
VICTIMS = [
    Victim("agent", False, "guestagent serve"),
    Victim("worker", False, "guestagent seed run"),
    Victim("server", False, SERVER_PATTERN),
    Victim("agent", True, "guestagent serve"),
    Victim("donor", True, "guestagent donor serve"),
    Victim("backup", True, "^mariadb-backup|/mariadb-backup"),
    Victim("server", True, SERVER_PATTERN),
]
SHOWN = [
    pytest.param(victim, id=str(victim), marks=() if str(victim) == "replica-worker" else pytest.mark.patient)
    for victim in VICTIMS
]


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud


@pytest.fixture(params=METHODS)
def cluster(request: pytest.FixtureRequest, cloud: GuestCloud) -> SeededCluster:
    cluster = SeededCluster(cloud, request.param, SeedSettings(rate_limit=RATE_LIMIT_MIB))
    cluster.create_source(ROWS)
    return cluster


def kill(cluster: SeededCluster, victim: Victim) -> None:
    guest = cluster.source if victim.is_source else cluster.replica
    cluster.cloud.hypervisor.run_command(guest, ["pkill", "-KILL", "-f", victim.pattern])


def join_under_kill(cluster: SeededCluster, victim: Victim, phase: str, delay_s: float) -> None:
    """Add the replica, kill the victim in this phase, and compare all rows when the node is ready."""
    cluster.add_replica()
    wait_until(lambda: cluster.read_phase() in (phase, "done"), timeout_s=120)
    time.sleep(delay_s)
    kill(cluster, victim)

    stack = cluster.wait_for_replica(240)

    assert stack.status == "UPDATE_COMPLETE", cluster.cloud.read_log(cluster.replica)
    assert cluster.compute_checksum(cluster.replica) == cluster.compute_checksum(cluster.source)


@pytest.mark.parametrize("victim", SHOWN)
def test_a_seed_survives_a_kill_in_its_transfer(cluster: SeededCluster, victim: Victim) -> None:
    join_under_kill(cluster, victim, "transferring", delay_s=1.0)


@pytest.mark.patient
@pytest.mark.parametrize("number", range(RANDOM_KILLS))
def test_a_seed_survives_a_kill_at_any_moment(cluster: SeededCluster, number: int) -> None:
    chance = random.Random(number)
    phase = chance.choice(["connecting", "transferring", "preparing", "swapping", "starting"])

    join_under_kill(cluster, chance.choice(VICTIMS), phase, delay_s=chance.uniform(0, 4))
