"""A cluster in HOT whose nodes have data volumes of the stack, and a writer, on any cloud with real guests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from guestagent.controller import Cluster, Dialect, Node, StackVolume
from guestagent.embedded.openstack.neutron.network import NETWORK_ID
from tests.support.guest_cloud import GuestCloud

GIB = 1 << 30
WRITE_INTERVAL_S = 0.05


def build_volume_cluster(replicas: int = 1) -> Cluster:
    node = Node("m1.small", "guestagent-mariadb", volume=StackVolume(1))
    return Cluster.new(
        source=node,
        replicas=[node] * replicas,
        polling_interval=2,
        dialect=Dialect.HOT,
        network=NETWORK_ID,
        client_networks=["10.1.0.0/16"],
    )


def measure_data_directory(cloud: GuestCloud, guest: str) -> int:
    """Return the bytes of the file system of the data directory."""
    answer = cloud.hypervisor.run_command(
        guest, ["stat", "--file-system", "--format=%b %S", "/var/lib/mysql"]
    )
    assert answer.returncode == 0, answer
    blocks, size = answer.stdout.split()
    return int(blocks) * int(size)


@dataclass(slots=True)
class Writer:
    """Writes a row every 50 ms. `failures` are the errors."""

    cloud: GuestCloud
    guest: str
    count: int = 0
    failures: list[str] = field(default_factory=list)

    def write(self) -> None:
        try:
            self.cloud.execute(self.guest, "INSERT INTO shop.t () VALUES ()")
            self.count += 1
        except AssertionError as error:
            self.failures.append(str(error))


@contextmanager
def run_writer(cloud: GuestCloud, guest: str) -> Iterator[Writer]:
    """Write rows into shop.t all the time."""
    cloud.execute(guest, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY)")
    writer, is_over = Writer(cloud, guest), threading.Event()

    def run() -> None:
        while not is_over.wait(WRITE_INTERVAL_S):
            writer.write()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield writer
    finally:
        is_over.set()
        thread.join()
