"""The lifecycle of a cluster whose nodes are booted from an image."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.database_servers.flavours import Family
from tests.support.cluster_lifecycle import (
    ReplicatedRows,
    build_cluster,
    list_accounts,
    list_proven_nodes,
    list_server_nodes,
)
from tests.support.image_boots import BootChecks
from tests.support.image_cloud import ImageCloud
from tests.support.polling import wait_until
from tests.support.replica_position import MARIADB, MYSQL, PositionQueries
from tests.support.secret_scan import AS_ROOT, find_secrets, list_secrets

CHANGE_TIMEOUT_S = 400.0
SEED_METHODS: Mapping[Family, str] = {"mariadb": "backup", "mysql": "clone"}
QUERIES: Mapping[Family, PositionQueries] = {"mariadb": MARIADB, "mysql": MYSQL}


class ImageCluster:
    """One cluster, changed step by step. After every step all rows are compared, and every new boot is checked."""

    def __init__(self, cloud: ImageCloud, name: str, family: Family, dialect: Dialect) -> None:
        self.cloud, self.name = cloud, name
        self.node = Node(flavor="m1.tiny", image=f"guestagent-{family}")
        self._dialect, self._family = dialect, family
        self._rows, self._boots = ReplicatedRows(cloud, name, QUERIES[family]), BootChecks(cloud)

    def create(self, replicas: int) -> None:
        stacks = self.cloud.stacks
        cluster = build_cluster(replicas, self._dialect, self.node)
        stack = stacks.wait(stacks.create(self.name, cluster), CHANGE_TIMEOUT_S)
        assert stack.status == "CREATE_COMPLETE", stack.reason
        self.cloud.execute(self._rows.source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)")
        self._compare(new_boots=replicas + 1)
        for node in list_server_nodes(self.cloud, self.name):
            self._check_sizes(node)

    def change(self, operation: Callable[[Cluster], Cluster], new_boots: int = 0) -> None:
        stacks = self.cloud.stacks
        stack = stacks.wait(stacks.change(self.name, operation), CHANGE_TIMEOUT_S)
        assert stack.status == "UPDATE_COMPLETE", stack.reason
        self._compare(new_boots)

    def add_seeded_replica(self) -> None:
        """Add a replica after the source has purged its first logs, so that only a copy gives it the data."""
        self.cloud.purge_logs(self._rows.source)
        self.change(lambda now: now.add_replica(self.node), new_boots=1)
        evidence = [node.evidence for node in self.cloud.stacks.status(self.name).nodes][-1]
        assert isinstance(evidence, dict)
        assert evidence["seeding"] == SEED_METHODS[self._family], evidence
        units = self.cloud.read_log(self._rows.source, "guestagent-donor.service")
        assert not re.search("error|denied|not permitted", units, re.IGNORECASE), units

    def remove_replica(self, replica: str) -> None:
        self.change(lambda now: now.remove_replica(replica))
        wait_until(lambda: replica not in list_server_nodes(self.cloud, self.name))
        wait_until(lambda: replica.lower() not in list_accounts(self.cloud, self._rows.source))

    def rotate(self) -> None:
        stack = self.cloud.stacks.rotate(self.name, within=2 * CHANGE_TIMEOUT_S)
        assert stack.status == "UPDATE_COMPLETE", stack.reason
        self._compare(new_boots=0)

    def resize(self, node: str, flavor: str) -> None:
        stack = self.cloud.stacks.resize(self.name, node, flavor, CHANGE_TIMEOUT_S)
        assert stack.status == "UPDATE_COMPLETE", stack.reason
        self._compare(new_boots=1)

    def reboot(self, node: str) -> None:
        self.cloud.hypervisor.reboot(self.find_guest(node))
        self._compare(new_boots=1)

    def cut_power(self, node: str) -> None:
        guest = self.find_guest(node)
        self.cloud.hypervisor.cut_power(guest)
        self.cloud.hypervisor.reboot(guest)
        self._compare(new_boots=1)

    def add_clone(self, origin: str) -> None:
        """Add a replica that boots from a copy of the disk of `origin`."""
        nodes = list_server_nodes(self.cloud, self.name)
        self.cloud.hypervisor.next_origin = self.find_guest(origin)
        self.change(lambda now: now.add_replica(self.node), new_boots=1)
        (clone,) = set(list_server_nodes(self.cloud, self.name)) - set(nodes)
        shared = self._read_identity(origin) & self._read_identity(clone)
        assert not shared, f"{clone} has the identity of {origin}: {shared}"

    def check_secrets(self, node: str) -> None:
        """Check that a user without rights can read no secret of the node, and that root finds each of them."""
        guest = self.find_guest(node)
        secrets = list_secrets(self.cloud, guest)
        found_by_root = {name for name, _ in find_secrets(self.cloud, guest, secrets, AS_ROOT)}
        assert found_by_root == secrets.keys(), f"root finds only {found_by_root} of {secrets.keys()}"
        leaks = find_secrets(self.cloud, guest, secrets)
        assert not leaks, f"every user can read secrets of {node}: {leaks}"

    def delete(self) -> None:
        stacks = self.cloud.stacks
        assert stacks.wait(stacks.delete(self.name), CHANGE_TIMEOUT_S).status == "DELETE_COMPLETE"
        wait_until(lambda: list_server_nodes(self.cloud, self.name) == [])

    def find_guest(self, node: str) -> str:
        return self.cloud.find_guest(f"{self.name}-{node}")

    def list_proven_roles(self) -> dict[str, str]:
        """Return the role in each node's evidence."""
        return {name: role for name, _, _, role in list_proven_nodes(self.cloud, self.name)}

    def _read_identity(self, node: str) -> set[str]:
        """Return what must differ between any two nodes: the machine's id, and the ids of its database server."""
        guest = self.find_guest(node)
        machine_id = self.cloud.hypervisor.run_command(guest, ("cat", "/etc/machine-id")).stdout
        variables = ("@@server_id", "@@server_uuid") if "mysql" in self.node.image else ("@@server_id",)
        return {machine_id, *(self.cloud.query_value(guest, name) for name in variables)}

    def _check_sizes(self, node: str) -> None:
        """Check that the server started with the sizes for its machine, and that the agent had none to change."""
        guest = self.find_guest(node)
        log = self.cloud.read_log(guest, "guestagent-sizes.service")
        assert "sizes for this machine added to /etc/mysql/" in log, log
        steps = self.cloud.read_log(guest, "guestagent.service").splitlines()
        assert [step for step in steps if re.search(r": set (loose_)?(innodb|max_connections)", step)] == []

    def _compare(self, new_boots: int) -> None:
        boots = self._boots.check_new_boots()
        assert boots == new_boots, f"{boots} guests have booted, expected {new_boots}"
        nodes = list_server_nodes(self.cloud, self.name)
        self._rows.insert_row_and_compare(*(node for node in nodes if node != "Master0000"))


def run_image_lifecycle(cluster: ImageCluster) -> None:
    """Create 1+2 nodes, add one by a seed, remove one, rotate, resize, reboot, cut the power, add a clone, delete."""
    cluster.create(replicas=2)
    cluster.add_seeded_replica()
    cluster.remove_replica("Slave0001")
    cluster.rotate()
    cluster.check_secrets("Master0000")
    cluster.check_secrets("Slave0000")
    cluster.resize("Slave0000", "m1.small")
    cluster.reboot("Slave0002")
    cluster.cut_power("Slave0002")
    cluster.add_clone("Slave0002")
    roles = cluster.list_proven_roles()
    assert [*roles.values()] == ["source", "replica", "replica", "replica"], roles
    cluster.delete()


def run_short_image_lifecycle(cluster: ImageCluster) -> None:
    """Create 1+1 nodes, add one, delete."""
    cluster.create(replicas=1)
    cluster.change(lambda now: now.add_replica(cluster.node), new_boots=1)
    cluster.delete()
