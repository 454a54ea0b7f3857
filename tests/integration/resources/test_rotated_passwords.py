"""Passwords and keys of a cluster with real databases change, while rows are written and connections are killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from guestagent.database.source_probe import TcpSourceProbe
from guestagent.demo.socket_table import SocketTable
from guestagent.demo.workload import RowWriter
from guestagent.errors import InvalidInput
from guestagent.resources.orders import CreateCluster, RenewInstance, RotatePasswords
from guestagent.resources.service.key_changes import add_key, drop_key, read_keys
from guestagent.resources.service.store_owner import open_owned_store, read_all_clusters
from guestagent.secret import Secret
from tests.support.dump_kills import DumpKills
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.natives_cloud import NativesCloud, build_manager_settings, serve_guests
from tests.support.polling import wait_until

SOURCE, REPLICA = "shop-Master0000", "shop-Slave0000"
ACCOUNT = "slave0000"
ACCESS_DENIED = 1045

pytestmark = pytest.mark.timeout(900)


class RotatingCluster:
    """A source and a replica in guests of a cloud, and one service after another with the same store and keys."""

    def __init__(self, guests: GuestCloud, folder: Path, subnet: IPv4Network) -> None:
        self.guests = guests
        self._settings = build_manager_settings(folder, subnet, "natives")

    @contextmanager
    def serve(self) -> Iterator[NativesCloud]:
        with serve_guests(self.guests, self._settings) as manager:
            yield manager

    @property
    def key_file(self) -> Path:
        return self._settings.guests.key_file

    def drop_key(self, key_id: str) -> None:
        """Drop a key as the command does, when no service runs."""
        with open_owned_store(self._settings) as store:
            drop_key(self.key_file, key_id, read_all_clusters(store))

    def read_document(self, node: str) -> dict[str, Any]:
        """Return the document that the agent of a node has applied."""
        folder = self.guests.hypervisor.find_folder(self.guests.find_guest(node))
        path = folder / "var/lib/guestagent/document.json"
        document: dict[str, Any] = json.loads(path.read_text())["document"]
        return document

    def read_password(self) -> str:
        return str(self.read_document(REPLICA)["Master"]["User"]["password"])

    def is_admitted(self, password: str) -> bool:
        """Return whether the source accepts the replica's account with a password, over the network."""
        address = self.read_document(REPLICA)["Master"]["Address"]
        error = TcpSourceProbe(5).probe(address, 3306, ACCOUNT, Secret(password)).error
        assert error is None or error.number == ACCESS_DENIED, error
        return error is None

    def find_socket(self, node: str) -> str:
        return self.guests.find_socket(self.guests.find_guest(node))

    def has_rows(self, node: str, count: int) -> bool:
        with closing(SocketTable(lambda: self.find_socket(node))) as table:
            return table.read_numbers() >= frozenset(range(1, count + 1))

    def list_rejections(self, image: str) -> list[str]:
        """Return the lines in which the replica's server says that the source has rejected it."""
        log = self.guests.read_log(self.guests.find_guest(REPLICA), image.removeprefix("guestagent-"))
        return [line for line in log.splitlines() if "Access denied" in line]


@pytest.fixture
def cluster(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[RotatingCluster]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as guests:
        yield RotatingCluster(guests, tmp_path, free_subnet)


def describe_cluster(image: str) -> dict[str, object]:
    return {
        "flavor": "m1.small",
        "image": image,
        "subnet": "embedded-subnet",
        "volume": {"size_gib": 1},
        "polling_interval": 1,
        "source": {},
        "replicas": 1,
    }


@pytest.mark.parametrize(
    "image", ["guestagent-mariadb", pytest.param("guestagent-mysql", marks=pytest.mark.patient)]
)
def test_new_passwords_by_a_new_key_replace_the_old_ones_and_no_row_is_lost(
    cluster: RotatingCluster, image: str
) -> None:
    with cluster.serve() as manager:
        manager.carry_out(CreateCluster, description=describe_cluster(image))
    old_key, old_password = read_keys(cluster.key_file).newest, cluster.read_password()
    assert cluster.is_admitted(old_password)
    add_key(cluster.key_file)

    with RowWriter() as writer:
        writer.start(SocketTable(lambda: cluster.find_socket(SOURCE)))
        with cluster.serve() as manager, DumpKills(cluster.find_socket(SOURCE)) as kills:
            with pytest.raises(InvalidInput, match="a key that nothing needs"):
                cluster.drop_key(old_key)
            wait_until(lambda: writer.acknowledged_rows > 0)
            before = writer.acknowledged_rows
            manager.carry_out(RotatePasswords)
            after = writer.acknowledged_rows
            # Nothing but a new login shows that a password is accepted.
            killed = kills.count
            wait_until(lambda: kills.count >= killed + 2)
        cluster.drop_key(old_key)
        with cluster.serve() as manager:
            manager.carry_out(RenewInstance, instance="Slave0000")
    new_password = cluster.read_password()

    assert new_password != old_password
    assert [cluster.is_admitted(password) for password in (old_password, new_password)] == [False, True]
    assert writer.error is None
    assert after > before
    wait_until(lambda: cluster.has_rows(REPLICA, writer.acknowledged_rows))
    assert cluster.list_rejections(image) == []
    assert list(read_keys(cluster.key_file).keys) == [read_keys(cluster.key_file).newest]
