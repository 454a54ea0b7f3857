"""Two clusters on any cloud with real database servers: the replicas of one follow the source of the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

import pytest

from guestagent.controller import Cluster, Dialect, ExternalSource, Node
from guestagent.errors import StackFailed
from guestagent.secret import Secret
from tests.support.cluster_lifecycle import (
    NETWORK_OPTIONS,
    NODE,
    ReplicatedRows,
    build_cluster,
    list_accounts,
)
from tests.support.guest_cloud import GuestCloud
from tests.support.polling import wait_until
from tests.support.replica_position import MARIADB, PositionQueries

ACCOUNT = "follower_reports"
PASSWORDS = {ACCOUNT: Secret("known-to-both-clusters")}


@dataclass(frozen=True, slots=True)
class FollowingPair:
    """The stack of a source that admits the cluster `reports`, and how a cluster that follows it is created."""

    cloud: GuestCloud
    source_stack: str
    dialect: Dialect
    timeout_s: float
    node: Node = NODE
    queries: PositionQueries = MARIADB

    def create_source(self) -> None:
        """Create the source with a replica of its own, and a table; then admit the other cluster beside it."""
        stacks = self.cloud.stacks
        cluster = build_cluster(1, self.dialect, self.node)
        stacks.wait(stacks.create(self.source_stack, cluster), self.timeout_s)
        self.cloud.execute(self.source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)")
        network = IPv4Network((self.find_external_source().address, 24), strict=False)
        admission = stacks.change(
            self.source_stack, lambda now: now.admit("reports", str(network)), PASSWORDS
        )
        stacks.wait(admission, self.timeout_s)

    @property
    def source(self) -> str:
        return self.cloud.find_guest(f"{self.source_stack}-Master0000")

    def find_external_source(self) -> ExternalSource:
        """The source as the other cluster's description has it: its address is what `cluster status` shows."""
        nodes = self.cloud.stacks.status(self.source_stack).nodes
        return ExternalSource(next(node.address for node in nodes if node.name == "Master0000"), ACCOUNT)

    def build_follower(self, source: ExternalSource, replicas: int = 1, deadline: int = 90) -> Cluster:
        return Cluster.new(
            source=source,
            replicas=[self.node] * replicas,
            polling_interval=3,
            dialect=self.dialect,
            deadline=deadline,
            subnet=NETWORK_OPTIONS[self.dialect].get("subnet"),
            network=NETWORK_OPTIONS[self.dialect].get("network"),
        )

    def create_follower(self, stack: str, cluster: Cluster, passwords: dict[str, Secret]) -> None:
        self.cloud.stacks.wait(self.cloud.stacks.create(stack, cluster, passwords), self.timeout_s)

    def find_failure(self, stack: str, cluster: Cluster, passwords: dict[str, Secret]) -> str:
        """Create a follower that cannot become ready, return Heat's reason, and delete it."""
        with pytest.raises(StackFailed) as failed:
            self.create_follower(stack, cluster, passwords)
        self.cloud.stacks.wait(self.cloud.stacks.delete(stack), self.timeout_s)
        return str(failed.value)


def run_following(pair: FollowingPair, follower_stack: str) -> None:
    """Follow, grow and shrink the follower, then delete and revoke it; compare the rows after every step."""
    cloud, stacks = pair.cloud, pair.cloud.stacks
    pair.create_source()
    rows = ReplicatedRows(cloud, pair.source_stack, pair.queries)
    rows.insert_row_and_compare("Slave0000")

    pair.create_follower(follower_stack, pair.build_follower(pair.find_external_source()), PASSWORDS)
    rows.insert_row_and_compare("Slave0000", stack=follower_stack)

    stacks.wait(stacks.change(follower_stack, lambda now: now.add_replica(pair.node)), pair.timeout_s)
    rows.insert_row_and_compare("Slave0000", "Slave0001", stack=follower_stack)

    stacks.wait(stacks.change(follower_stack, lambda now: now.remove_replica("Slave0000")), pair.timeout_s)
    rows.insert_row_and_compare("Slave0001", stack=follower_stack)
    rows.compare("Slave0000")
    nodes = stacks.status(follower_stack).nodes
    assert [(node.name, str(node.role), str(node.state)) for node in nodes] == [
        ("Slave0001", "replica", "ready")
    ]

    stacks.wait(stacks.delete(follower_stack), pair.timeout_s)
    stacks.wait(stacks.change(pair.source_stack, lambda now: now.revoke("reports")), pair.timeout_s)
    wait_until(lambda: ACCOUNT not in list_accounts(cloud, pair.source))


def check_mistaken_password(pair: FollowingPair, stack: str) -> None:
    """A follower with another password fails with the reason of its replica."""
    mistaken = {ACCOUNT: Secret("mistaken-1")}
    follower = pair.build_follower(pair.find_external_source(), deadline=20)
    reason = pair.find_failure(stack, follower, mistaken)
    assert re.search(r"Slave0000.*follower_reports", reason, re.DOTALL), reason
    assert "mistaken-1" not in reason


def check_refused_followers(pair: FollowingPair) -> None:
    """Each follower that cannot replicate fails with the reason of its replica, and shows no password."""
    check_mistaken_password(pair, "mistaken")

    source = pair.find_external_source()
    closed = replace(source, port=3399)
    reason = pair.find_failure("closed", pair.build_follower(closed, deadline=20), PASSWORDS)
    assert f"{source.address}:3399" in reason

    pair.cloud.purge_logs(pair.source)
    reason = pair.find_failure("late", pair.build_follower(source, deadline=60), PASSWORDS)
    assert "purged" in reason, reason
