"""A cluster's whole life, written once: for either dialect, on any cloud, with real database servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID
from tests.support.guest_cloud import GuestCloud

NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")
# Where the nodes stand: a real Nova wants it said, and each dialect has its own way here.
NETWORK_OPTIONS: Mapping[Dialect, Mapping[str, str]] = {
    Dialect.CFN: {"subnet": SUBNET_ID},
    Dialect.HOT: {"network": NETWORK_ID},
}


def build_cluster(replicas: int, dialect: Dialect, node: Node = NODE, **changes: Any) -> Cluster:
    """A small cluster whose guests look for news every three seconds: every second, a Heat did little else."""
    nodes = [node] * replicas
    return Cluster.new(
        source=node,
        replicas=nodes,
        polling_interval=3,
        dialect=dialect,
        **{**NETWORK_OPTIONS[dialect], **changes},
    )


def run_lifecycle(cloud: GuestCloud, name: str, dialect: Dialect, patience: float, **changes: Any) -> None:
    """Create 1+2, add two, remove one, rotate, resize one, delete; after every step all rows are on every replica."""
    stacks, rows = cloud.stacks, ReplicatedRows(cloud, name)

    def change(operation: Callable[[Cluster], Cluster]) -> str:
        return stacks.wait(stacks.change(name, operation), patience).status

    created = stacks.wait(stacks.create(name, build_cluster(2, dialect, **changes)), patience)
    assert created.status == "CREATE_COMPLETE"
    first = {node: cloud.find_guest(f"{name}-{node}") for node in ("Master0000", "Slave0000", "Slave0001")}
    cloud.execute(rows.source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)")
    rows.insert_row_and_compare("Slave0000", "Slave0001")

    assert change(lambda now: now.add_replica(NODE).add_replica(NODE)) == "UPDATE_COMPLETE"
    rows.insert_row_and_compare("Slave0000", "Slave0001", "Slave0002", "Slave0003")

    assert change(lambda now: now.remove_replica("Slave0001")) == "UPDATE_COMPLETE"
    wait_until(
        lambda: list_server_nodes(cloud, name) == ["Master0000", "Slave0000", "Slave0002", "Slave0003"]
    )
    wait_until(lambda: "slave0001" not in list_accounts(cloud, rows.source))
    rows.insert_row_and_compare("Slave0000", "Slave0002", "Slave0003")

    assert stacks.rotate(name, within=2 * patience).status == "UPDATE_COMPLETE"
    assert list_accounts_with_old_password(cloud, rows.source) == set()
    rows.insert_row_and_compare("Slave0000", "Slave0002", "Slave0003")

    assert stacks.resize(name, "Slave0000", "m1.small", patience).status == "UPDATE_COMPLETE"
    rows.insert_row_and_compare("Slave0000", "Slave0002", "Slave0003")
    assert list_proven_nodes(cloud, name) == [
        ("Master0000", "m1.tiny", 5, "source"),
        ("Slave0000", "m1.small", 3, "replica"),
        ("Slave0002", "m1.tiny", 2, "replica"),
        ("Slave0003", "m1.tiny", 2, "replica"),
    ]
    kept = {node: cloud.find_guest(f"{name}-{node}") for node in ("Master0000", "Slave0000")}
    assert kept.items() <= first.items(), "no change of ours gives a node another server"

    assert stacks.wait(stacks.delete(name), patience).status == "DELETE_COMPLETE"
    wait_until(lambda: list_server_nodes(cloud, name) == [])


def run_short_lifecycle(
    cloud: GuestCloud, name: str, dialect: Dialect, patience: float, node: Node, words: PositionQueries
) -> None:
    """Create 1+1, add one, delete; after both changes all rows are on every replica. Of servers of another kind."""
    stacks, rows = cloud.stacks, ReplicatedRows(cloud, name, words)

    created = stacks.wait(stacks.create(name, build_cluster(1, dialect, node)), patience)
    assert created.status == "CREATE_COMPLETE"
    cloud.execute(rows.source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)")
    rows.insert_row_and_compare("Slave0000")

    added = stacks.wait(stacks.change(name, lambda now: now.add_replica(node)), patience)
    assert added.status == "UPDATE_COMPLETE"
    rows.insert_row_and_compare("Slave0000", "Slave0001")
    assert list_proven_nodes(cloud, name) == [
        ("Master0000", node.flavor, 2, "source"),
        ("Slave0000", node.flavor, 1, "replica"),
        ("Slave0001", node.flavor, 1, "replica"),
    ]

    assert stacks.wait(stacks.delete(name), patience).status == "DELETE_COMPLETE"
    wait_until(lambda: list_server_nodes(cloud, name) == [])


@dataclass(frozen=True, slots=True)
class PositionQueries:
    """How a family's source tells where it is, and how a replica waits until it is there: 0 says that it came."""

    position: str
    wait: str


MARIADB = PositionQueries("@@gtid_binlog_pos", "MASTER_GTID_WAIT('{}', 20)")
MYSQL = PositionQueries("@@gtid_executed", "WAIT_FOR_EXECUTED_GTID_SET('{}', 20)")


class ReplicatedRows:
    """The rows of d.t, written on the source and looked for on the replicas."""

    def __init__(self, cloud: GuestCloud, stack: str, words: PositionQueries = MARIADB) -> None:
        self._cloud, self._stack, self._words, self._written = cloud, stack, words, 0

    @property
    def source(self) -> str:
        return self._cloud.find_guest(f"{self._stack}-Master0000")

    def insert_row_and_compare(self, *replicas: str) -> None:
        """One row more, and each of these replicas has them all as soon as it has caught up."""
        self._written += 1
        self._cloud.execute(self.source, "INSERT INTO d.t SELECT COUNT(*) + 1 FROM d.t")
        position = self._cloud.query_value(self.source, self._words.position)
        for name in replicas:
            replica = self._cloud.find_guest(f"{self._stack}-{name}")
            assert self._cloud.query_value(replica, self._words.wait.format(position)) == "0", name
            found = self._cloud.query_value(replica, "(SELECT GROUP_CONCAT(id ORDER BY id) FROM d.t)")
            assert found == ",".join(str(number + 1) for number in range(self._written)), name


def list_server_nodes(cloud: GuestCloud, stack: str) -> list[str]:
    """The nodes of a stack that have a server."""
    there = [server.name for server in list(cloud.server.cloud.compute.servers.values())]
    return sorted(
        name.removeprefix(f"{stack}-").split("-")[0] for name in there if name.startswith(f"{stack}-")
    )


def list_accounts(cloud: GuestCloud, guest: str) -> set[str]:
    """The users that a guest's database server knows."""
    return {row["User"] for row in cloud.execute(guest, "SELECT User FROM mysql.user")}


def list_accounts_with_old_password(cloud: GuestCloud, guest: str) -> set[str]:
    """The replicas' accounts that have an old password that lets in too."""
    rows = cloud.execute(guest, "SELECT User FROM mysql.global_priv WHERE JSON_LENGTH(Priv, '$.auth_or') > 1")
    return {row["User"] for row in rows if row["User"].startswith("slave")}


def list_proven_nodes(cloud: GuestCloud, stack: str) -> list[tuple[str, str, int, str]]:
    """Every node with its flavor, its generation, and the role that its evidence tells."""
    return [
        (node.name, node.node.flavor, node.node.generation, str(node.evidence["role"]))
        for node in cloud.stacks.status(stack).nodes
        if isinstance(node.evidence, dict)
    ]


def wait_until(holds: Callable[[], bool], within: float = 60) -> None:
    """Return when it holds."""
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until, f"{holds} does not hold"
        time.sleep(0.2)
