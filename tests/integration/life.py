"""A cluster's whole life, written once: for either dialect, on any cloud, with real database servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.compute import NETWORK_ID, SUBNET_ID
from tests.integration.clouds import Cloud

NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")
# Where the nodes stand: a real Nova wants it said, and each dialect has its own way here.
PLACES: Mapping[Dialect, Mapping[str, str]] = {
    Dialect.CFN: {"subnet": SUBNET_ID},
    Dialect.HOT: {"network": NETWORK_ID},
}


def cluster(replicas: int, dialect: Dialect, node: Node = NODE, **changes: Any) -> Cluster:
    """A small cluster whose guests look for news every three seconds: every second, a Heat did little else."""
    nodes = [node] * replicas
    return Cluster.new(
        source=node, replicas=nodes, polling_interval=3, dialect=dialect, **{**PLACES[dialect], **changes}
    )


def live(cloud: Cloud, name: str, dialect: Dialect, patience: float, **changes: Any) -> None:
    """Create 1+2, add two, remove one, rotate, resize one, delete; after every step all rows are on every replica."""
    stacks, rows = cloud.stacks, Rows(cloud, name)

    def change(operation: Callable[[Cluster], Cluster]) -> str:
        return stacks.wait(stacks.change(name, operation), patience).status

    created = stacks.wait(stacks.create(name, cluster(2, dialect, **changes)), patience)
    assert created.status == "CREATE_COMPLETE"
    first = {node: cloud.guest(f"{name}-{node}") for node in ("Master0000", "Slave0000", "Slave0001")}
    cloud.ask(rows.source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)")
    rows.grow_and_are_on("Slave0000", "Slave0001")

    assert change(lambda now: now.add_replica(NODE).add_replica(NODE)) == "UPDATE_COMPLETE"
    rows.grow_and_are_on("Slave0000", "Slave0001", "Slave0002", "Slave0003")

    assert change(lambda now: now.remove_replica("Slave0001")) == "UPDATE_COMPLETE"
    eventually(lambda: servers(cloud, name) == ["Master0000", "Slave0000", "Slave0002", "Slave0003"])
    eventually(lambda: "slave0001" not in accounts(cloud, rows.source))
    rows.grow_and_are_on("Slave0000", "Slave0002", "Slave0003")

    assert stacks.rotate(name, within=2 * patience).status == "UPDATE_COMPLETE"
    assert retained(cloud, rows.source) == set()
    rows.grow_and_are_on("Slave0000", "Slave0002", "Slave0003")

    assert stacks.resize(name, "Slave0000", "m1.small", patience).status == "UPDATE_COMPLETE"
    rows.grow_and_are_on("Slave0000", "Slave0002", "Slave0003")
    assert proved(cloud, name) == [
        ("Master0000", "m1.tiny", 5, "source"),
        ("Slave0000", "m1.small", 3, "replica"),
        ("Slave0002", "m1.tiny", 2, "replica"),
        ("Slave0003", "m1.tiny", 2, "replica"),
    ]
    kept = {node: cloud.guest(f"{name}-{node}") for node in ("Master0000", "Slave0000")}
    assert kept.items() <= first.items(), "no change of ours gives a node another server"

    assert stacks.wait(stacks.delete(name), patience).status == "DELETE_COMPLETE"
    eventually(lambda: servers(cloud, name) == [])


def live_briefly(cloud: Cloud, name: str, dialect: Dialect, patience: float, node: Node, words: Words) -> None:
    """Create 1+1, add one, delete; after both changes all rows are on every replica. Of servers of another kind."""
    stacks, rows = cloud.stacks, Rows(cloud, name, words)

    created = stacks.wait(stacks.create(name, cluster(1, dialect, node)), patience)
    assert created.status == "CREATE_COMPLETE"
    cloud.ask(rows.source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)")
    rows.grow_and_are_on("Slave0000")

    added = stacks.wait(stacks.change(name, lambda now: now.add_replica(node)), patience)
    assert added.status == "UPDATE_COMPLETE"
    rows.grow_and_are_on("Slave0000", "Slave0001")
    assert proved(cloud, name) == [
        ("Master0000", node.flavor, 2, "source"),
        ("Slave0000", node.flavor, 1, "replica"),
        ("Slave0001", node.flavor, 1, "replica"),
    ]

    assert stacks.wait(stacks.delete(name), patience).status == "DELETE_COMPLETE"
    eventually(lambda: servers(cloud, name) == [])


@dataclass(frozen=True, slots=True)
class Words:
    """How a family's source tells where it is, and how a replica waits until it is there: 0 says that it came."""

    position: str
    reached: str


MARIADB = Words("@@gtid_binlog_pos", "MASTER_GTID_WAIT('{}', 20)")
MYSQL = Words("@@gtid_executed", "WAIT_FOR_EXECUTED_GTID_SET('{}', 20)")


class Rows:
    """The rows of d.t, written on the source and looked for on the replicas."""

    def __init__(self, cloud: Cloud, stack: str, words: Words = MARIADB) -> None:
        self._cloud, self._stack, self._words, self._written = cloud, stack, words, 0

    @property
    def source(self) -> str:
        return self._cloud.guest(f"{self._stack}-Master0000")

    def grow_and_are_on(self, *replicas: str) -> None:
        """One row more, and each of these replicas has them all as soon as it has caught up."""
        self._written += 1
        self._cloud.ask(self.source, "INSERT INTO d.t SELECT COUNT(*) + 1 FROM d.t")
        position = self._cloud.value(self.source, self._words.position)
        for name in replicas:
            replica = self._cloud.guest(f"{self._stack}-{name}")
            assert self._cloud.value(replica, self._words.reached.format(position)) == "0", name
            found = self._cloud.value(replica, "(SELECT GROUP_CONCAT(id ORDER BY id) FROM d.t)")
            assert found == ",".join(str(number + 1) for number in range(self._written)), name


def servers(cloud: Cloud, stack: str) -> list[str]:
    """The nodes of a stack that have a server."""
    there = [server.name for server in list(cloud.served.cloud.servers.servers.values())]
    return sorted(name.removeprefix(f"{stack}-").split("-")[0] for name in there if name.startswith(f"{stack}-"))


def accounts(cloud: Cloud, guest: str) -> set[str]:
    """The users that a guest's database server knows."""
    return {row["User"] for row in cloud.ask(guest, "SELECT User FROM mysql.user")}


def retained(cloud: Cloud, guest: str) -> set[str]:
    """The replicas' accounts that have an old password that lets in too."""
    rows = cloud.ask(guest, "SELECT User FROM mysql.global_priv WHERE JSON_LENGTH(Priv, '$.auth_or') > 1")
    return {row["User"] for row in rows if row["User"].startswith("slave")}


def proved(cloud: Cloud, stack: str) -> list[tuple[str, str, int, str]]:
    """Every node with its flavor, its generation, and the role that its evidence tells."""
    return [
        (node.name, node.node.flavor, node.node.generation, str(node.evidence["role"]))
        for node in cloud.stacks.status(stack).nodes
        if isinstance(node.evidence, dict)
    ]


def eventually(holds: Callable[[], bool], within: float = 60) -> None:
    """Return when it holds."""
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until, f"{holds} does not hold"
        time.sleep(0.2)
