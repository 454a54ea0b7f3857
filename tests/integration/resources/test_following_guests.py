"""Clusters that follow the source of another one, with real guests: a writer's rows arrive, and nothing is left."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.demo.socket_table import SocketTable
from guestagent.demo.workload import RowWriter
from guestagent.errors import OrderRefused
from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    CreateCluster,
    DeleteCluster,
    RevokeFollower,
    VolumeFate,
)
from tests.support.cluster_lifecycle import list_accounts
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.natives_cloud import NativesCloud, build_manager_settings, serve_guests
from tests.support.polling import wait_until

IMAGE, FLAVOR = "guestagent-mariadb", "m1.small"
SOURCE, FOLLOWER = "shop", "reports"
ACCOUNT = "follower_reports"

pytestmark = pytest.mark.timeout(900)


def describe(**changes: object) -> dict[str, object]:
    description: dict[str, object] = {
        "flavor": FLAVOR,
        "image": IMAGE,
        "subnet": "embedded-subnet",
        "volume": {"size_gib": 1},
        "polling_interval": 1,
    }
    return description | changes


class FollowingClusters:
    """A cloud, and one service of the resource manager after another with the same store."""

    def __init__(self, guests: GuestCloud, folder: Path, subnet: IPv4Network) -> None:
        self.guests, self.subnet = guests, subnet
        self._settings = build_manager_settings(folder, subnet, "natives")

    @contextmanager
    def serve(self, engine: str, abandoned: Collection[str] = ()) -> Iterator[NativesCloud]:
        settings = replace(self._settings, engine=engine)
        with serve_guests(self.guests, settings, abandoned) as manager:
            yield manager

    def open_table(self, node: str) -> SocketTable:
        guest = self.guests.find_guest(node)
        return SocketTable(lambda: self.guests.find_socket(guest))

    def has_rows(self, node: str, count: int) -> bool:
        with closing(self.open_table(node)) as table:
            return table.read_numbers() >= frozenset(range(1, count + 1))


@pytest.fixture
def clusters(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[FollowingClusters]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as guests:
        yield FollowingClusters(guests, tmp_path, free_subnet)


@pytest.mark.parametrize(
    ("source_engine", "follower_engine"),
    [
        ("natives", "migration"),
        pytest.param("migration", "natives", marks=pytest.mark.patient),
        pytest.param("natives", "natives", marks=pytest.mark.patient),
    ],
)
def test_rows_reach_the_replicas_of_another_cluster(
    clusters: FollowingClusters, source_engine: str, follower_engine: str
) -> None:
    """Create a source under one engine and a follower under another, and take both back under one that has both.

    Under NATIVES alone a source that is a stack is left as it is: its follower needs nothing of it any more.
    """
    with RowWriter() as writer:
        with clusters.serve(source_engine) as manager:
            manager.carry_out(CreateCluster, cluster=SOURCE, description=describe(source={}, replicas=1))
            writer.start(clusters.open_table(f"{SOURCE}-Master0000"))
            manager.carry_out(
                AdmitFollower, cluster=SOURCE, follower=FOLLOWER, follower_network=clusters.subnet
            )
        abandoned = [SOURCE] if source_engine == "migration" else []
        with clusters.serve(follower_engine, abandoned) as manager:
            manager.carry_out(
                CreateCluster, cluster=FOLLOWER, description=describe(source={"cluster": SOURCE}, replicas=1)
            )
            manager.carry_out(AddInstance, cluster=FOLLOWER, flavor=FLAVOR, image=IMAGE, volume_gib=1)
        written = writer.acknowledged_rows
        for node in ("Slave0000", "Slave0001"):
            wait_until(lambda node=node: clusters.has_rows(f"{FOLLOWER}-{node}", written))  # type: ignore[misc]
        assert writer.error is None

    engines = {source_engine, follower_engine}
    with clusters.serve("natives" if engines == {"natives"} else "migration") as manager:
        source = clusters.guests.find_guest(f"{SOURCE}-Master0000")
        assert ACCOUNT in list_accounts(clusters.guests, source)
        with pytest.raises(OrderRefused, match="the source of shop is followed by reports"):
            manager.submit(DeleteCluster, cluster=SOURCE, volumes=VolumeFate.DELETE)
        manager.carry_out(DeleteCluster, cluster=FOLLOWER, volumes=VolumeFate.DELETE)
        manager.carry_out(RevokeFollower, cluster=SOURCE, follower=FOLLOWER)
        wait_until(lambda: ACCOUNT not in list_accounts(clusters.guests, source))
        manager.carry_out(DeleteCluster, cluster=SOURCE, volumes=VolumeFate.DELETE)
        observed = manager.observe()
        assert (observed.servers, observed.volumes, observed.ports) == ({}, {}, {})
