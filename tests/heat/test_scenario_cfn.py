"""The main job on a real Heat, in the CFN dialect: a cluster comes, grows, shrinks and goes, and its rows stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from guestagent.controller import Cluster, Node
from guestagent.embedded.compute import SUBNET_ID
from guestagent.errors import CloudRefused, StackFailed
from tests.integration.clouds import Cloud

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("real-heat")]

PATIENCE = 150.0
NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")


@pytest.fixture
def heat(real_heat: Cloud) -> Iterator[Cloud]:
    """Without a stack before and after."""
    yield real_heat
    for name in ("prod", "broken"):
        with suppress(CloudRefused):
            real_heat.stacks.wait(real_heat.stacks.delete(name), PATIENCE)


def test_a_cluster_comes_grows_shrinks_and_goes(heat: Cloud) -> None:
    created = heat.stacks.wait(heat.stacks.create("prod", cluster(2)), PATIENCE)
    source = heat.guest("Master0000")
    heat.ask(source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)", "INSERT INTO d.t VALUES (1), (2)")
    assert created.status == "CREATE_COMPLETE"
    assert shown(heat, "Slave0000", "Slave0001") == ["2", "2"]

    grown = heat.stacks.change("prod", lambda now: now.add_replica(NODE).add_replica(NODE))
    assert heat.stacks.wait(grown, PATIENCE).status == "UPDATE_COMPLETE"
    heat.ask(source, "INSERT INTO d.t VALUES (3)")
    assert shown(heat, "Slave0000", "Slave0001", "Slave0002", "Slave0003") == ["3", "3", "3", "3"]

    shrunk = heat.stacks.change("prod", lambda now: now.remove_replica("Slave0001"))
    assert heat.stacks.wait(shrunk, PATIENCE).status == "UPDATE_COMPLETE"
    assert servers(heat) == ["Master0000", "Slave0000", "Slave0002", "Slave0003"]
    assert heat.guest("Master0000") == source

    heat.stacks.wait(heat.stacks.delete("prod"), PATIENCE)
    assert servers(heat) == []
    assert list(heat.served.cloud.servers.networking.ports) == []


def test_a_replica_that_cannot_follow_says_why_in_the_stack(heat: Cloud) -> None:
    def spoil(resources: dict[str, Any]) -> None:
        resources["Slave0000"]["Metadata"]["Master"]["User"]["password"] = "mistaken-1"

    heat.launch("broken", cluster(1, deadline=20, boot_allowance=60), spoil)
    with pytest.raises(StackFailed) as failed:
        raise_if_failed(heat, "broken")

    assert "WaitConditionFailure" in failed.value.reason
    assert "slave0000" in failed.value.reason
    assert "mistaken-1" not in failed.value.reason


def cluster(replicas: int, **changes: Any) -> Cluster:
    return Cluster.new(source=NODE, replicas=[NODE] * replicas, subnet=SUBNET_ID, polling_interval=1, **changes)


def shown(heat: Cloud, *names: str) -> list[str]:
    """How many rows each of these replicas shows once it has all that the source had when we asked."""
    position = heat.value(heat.guest("Master0000"), "@@gtid_binlog_pos")
    replicas = [heat.guest(name) for name in names]
    caught_up = [heat.value(replica, f"MASTER_GTID_WAIT('{position}', 20)") for replica in replicas]
    assert caught_up == ["0"] * len(names)
    return [heat.value(replica, "(SELECT COUNT(*) FROM d.t)") for replica in replicas]


def servers(heat: Cloud, within: float = 10) -> list[str]:
    """The nodes that have a server; one that is being deleted has a moment to go."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        there = list(heat.served.cloud.servers.servers.values())
        if all(server.status == "ACTIVE" for server in there):
            break
        time.sleep(0.1)
    return sorted(server.name.split("-")[-2] for server in there)


def raise_if_failed(heat: Cloud, name: str) -> None:
    stack = heat.ended(name, PATIENCE)
    if stack.failed:
        raise StackFailed(stack.name, stack.status, stack.reason)
