"""The lifecycle of a cluster, for both template formats, on any cloud with real database servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID
from tests.support.guest_cloud import GuestCloud
from tests.support.polling import wait_until
from tests.support.replica_position import MARIADB, PositionQueries, wait_for_replica

NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")
# The network of the nodes: a real Nova requires it, and each template format names it differently.
NETWORK_OPTIONS: Mapping[Dialect, Mapping[str, str]] = {
    Dialect.CFN: {"subnet": SUBNET_ID},
    Dialect.HOT: {"network": NETWORK_ID},
}


def build_cluster(replicas: int, dialect: Dialect, node: Node = NODE, **changes: Any) -> Cluster:
    """Build a small cluster whose guests poll every three seconds; at one second they would overload Heat."""
    nodes = [node] * replicas
    return Cluster.new(
        source=node,
        replicas=nodes,
        polling_interval=3,
        dialect=dialect,
        **{**NETWORK_OPTIONS[dialect], **changes},
    )


def run_lifecycle(cloud: GuestCloud, name: str, dialect: Dialect, timeout_s: float, **changes: Any) -> None:
    """Create 1+2 nodes, add two, remove one, rotate, resize one, delete; after every step compare all rows."""
    stacks, rows = cloud.stacks, ReplicatedRows(cloud, name)

    def change(operation: Callable[[Cluster], Cluster]) -> str:
        return stacks.wait(stacks.change(name, operation), timeout_s).status

    stack = stacks.wait(stacks.create(name, build_cluster(2, dialect, **changes)), timeout_s)
    assert stack.status == "CREATE_COMPLETE"
    guests_before = {
        node: cloud.find_guest(f"{name}-{node}") for node in ("Master0000", "Slave0000", "Slave0001")
    }
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

    assert stacks.rotate(name, within=2 * timeout_s).status == "UPDATE_COMPLETE"
    assert list_accounts_with_old_password(cloud, rows.source) == set()
    rows.insert_row_and_compare("Slave0000", "Slave0002", "Slave0003")

    assert stacks.resize(name, "Slave0000", "m1.small", timeout_s).status == "UPDATE_COMPLETE"
    rows.insert_row_and_compare("Slave0000", "Slave0002", "Slave0003")
    assert list_proven_nodes(cloud, name) == [
        ("Master0000", "m1.tiny", 5, "source"),
        ("Slave0000", "m1.small", 3, "replica"),
        ("Slave0002", "m1.tiny", 2, "replica"),
        ("Slave0003", "m1.tiny", 2, "replica"),
    ]
    guests_after = {node: cloud.find_guest(f"{name}-{node}") for node in ("Master0000", "Slave0000")}
    assert guests_after.items() <= guests_before.items(), "a node was given another server"

    assert stacks.wait(stacks.delete(name), timeout_s).status == "DELETE_COMPLETE"
    wait_until(lambda: list_server_nodes(cloud, name) == [])


def run_short_lifecycle(
    cloud: GuestCloud, name: str, dialect: Dialect, timeout_s: float, node: Node, queries: PositionQueries
) -> None:
    """Create 1+1 nodes, add one, delete; after both changes compare all rows. For any database product."""
    stacks, rows = cloud.stacks, ReplicatedRows(cloud, name, queries)

    stack = stacks.wait(stacks.create(name, build_cluster(1, dialect, node)), timeout_s)
    assert stack.status == "CREATE_COMPLETE"
    cloud.execute(rows.source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)")
    rows.insert_row_and_compare("Slave0000")

    stack = stacks.wait(stacks.change(name, lambda now: now.add_replica(node)), timeout_s)
    assert stack.status == "UPDATE_COMPLETE"
    rows.insert_row_and_compare("Slave0000", "Slave0001")
    assert list_proven_nodes(cloud, name) == [
        ("Master0000", node.flavor, 2, "source"),
        ("Slave0000", node.flavor, 1, "replica"),
        ("Slave0001", node.flavor, 1, "replica"),
    ]

    assert stacks.wait(stacks.delete(name), timeout_s).status == "DELETE_COMPLETE"
    wait_until(lambda: list_server_nodes(cloud, name) == [])


class ReplicatedRows:
    """The rows of d.t, written on the source and compared on the replicas."""

    def __init__(self, cloud: GuestCloud, stack: str, queries: PositionQueries = MARIADB) -> None:
        self._cloud, self._stack, self._queries, self._row_count = cloud, stack, queries, 0

    @property
    def source(self) -> str:
        return self._cloud.find_guest(f"{self._stack}-Master0000")

    def insert_row_and_compare(self, *replicas: str, stack: str | None = None) -> None:
        """Insert a row, and check that each of these replicas has all rows after it has caught up."""
        self._row_count += 1
        self._cloud.execute(self.source, "INSERT INTO d.t SELECT COUNT(*) + 1 FROM d.t")
        self.compare(*replicas, stack=stack)

    def compare(self, *replicas: str, stack: str | None = None) -> None:
        """Check that each of these replicas, of this stack or another one, has all rows after it has caught up."""
        for name in replicas:
            replica = self._cloud.find_guest(f"{stack or self._stack}-{name}")
            wait_for_replica(self._cloud, self.source, replica, self._queries)
            ids = self._cloud.query_value(replica, "(SELECT GROUP_CONCAT(id ORDER BY id) FROM d.t)")
            assert ids == ",".join(str(number + 1) for number in range(self._row_count)), name


def list_server_nodes(cloud: GuestCloud, stack: str) -> list[str]:
    """Return the nodes of a stack that have a server."""
    names = [server.name for server in list(cloud.server.cloud.compute.servers.values())]
    return sorted(
        name.removeprefix(f"{stack}-").split("-")[0] for name in names if name.startswith(f"{stack}-")
    )


def list_accounts(cloud: GuestCloud, guest: str) -> set[str]:
    """Return the user names on a guest's database server."""
    return {row["User"] for row in cloud.execute(guest, "SELECT User FROM mysql.user")}


def list_accounts_with_old_password(cloud: GuestCloud, guest: str) -> set[str]:
    """Return the replication accounts for which an old password is still valid."""
    rows = cloud.execute(guest, "SELECT User FROM mysql.global_priv WHERE JSON_LENGTH(Priv, '$.auth_or') > 1")
    return {row["User"] for row in rows if row["User"].startswith("slave")}


def list_proven_nodes(cloud: GuestCloud, stack: str) -> list[tuple[str, str, int, str]]:
    """Return each node with its flavor, its generation, and the role in its evidence."""
    return [
        (node.name, node.node.flavor, node.node.generation, str(node.evidence["role"]))
        for node in cloud.stacks.status(stack).nodes
        if isinstance(node.evidence, dict)
    ]
