"""The resize of a node: one update for the server, and another in which the node proves itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from guestagent.controller import Cluster, FakeHeat, Stack, parse
from guestagent.controller.heat_api import NO_PARAMETERS
from guestagent.errors import DeadlineExceeded, InvalidCluster, StackFailed
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.cluster_strategies import build_cluster
from tests.support.fake_stacks import LONG_TIMEOUT_S, launch_stack, open_stacks


class RecordingHeat(FakeHeat):
    """Keeps the cluster of every update."""

    def __init__(self) -> None:
        super().__init__()
        self.updates: list[Cluster] = []

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        super().update(stack, template, timeout_minutes)
        self.updates.append(parse(template))

    def list_sizes(self, name: str) -> list[tuple[str, int]]:
        return [(cluster.node(name).flavor, cluster.node(name).generation) for cluster in self.updates]


def test_a_node_is_resized_first_and_signals_in_a_second_update() -> None:
    heat, before = RecordingHeat(), build_cluster(replicas=2, metadata_url="http://a/v1/")
    stacks = launch_stack(heat, before)

    stack = stacks.resize("db", "Slave0001", "m1.xlarge")

    assert stack.status == "UPDATE_COMPLETE"
    assert heat.updates == [
        before.resize("Slave0001", "m1.xlarge"),
        before.resize("Slave0001", "m1.xlarge").renew("Slave0001"),
    ]
    assert heat.endangered == []


def test_an_interrupted_resize_continues_with_its_second_update() -> None:
    heat = RecordingHeat()
    stacks = launch_stack(heat, build_cluster(replicas=1))
    stacks.wait(stacks.change("db", lambda cluster: cluster.resize("Slave0000", "m1.xlarge")), LONG_TIMEOUT_S)
    heat.updates.clear()

    stacks.resize("db", "Slave0000", "m1.xlarge")

    assert heat.list_sizes("Slave0000") == [("m1.xlarge", 2)]


def test_a_failed_resize_is_repeated_before_the_node_signals() -> None:
    heat = RecordingHeat()
    stacks = launch_stack(heat, build_cluster(replicas=1))
    stacks.wait(stacks.change("db", lambda cluster: cluster.resize("Slave0000", "m1.xlarge")), LONG_TIMEOUT_S)
    live = heat.live["db"]
    live.stack = replace(live.stack, status="UPDATE_FAILED", reason="ResourceInError: resources.Slave0000")
    heat.updates.clear()

    stacks.resize("db", "Slave0000", "m1.xlarge")

    assert heat.list_sizes("Slave0000") == [("m1.xlarge", 1), ("m1.xlarge", 2)]


def test_a_resized_node_that_does_not_become_ready_fails_the_stack() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster(replicas=1))
    heat.verdicts["Slave0000ReadyWaitCond2"] = "not ready after 90 s"

    with pytest.raises(StackFailed, match="not ready after 90 s"):
        stacks.resize("db", "Slave0000", "m1.xlarge")


def test_the_timeout_of_a_resize_covers_both_updates() -> None:
    heat, clock = FakeHeat(), FakeClock()
    stacks = open_stacks(heat, clock)
    stacks.wait(stacks.create("db", build_cluster()), LONG_TIMEOUT_S)
    start, heat.late = clock.now(), 1  # the first update takes a poll more, and with it all of the time

    with pytest.raises(DeadlineExceeded, match="stack db is still UPDATE_IN_PROGRESS"):
        stacks.resize("db", "Master0000", "m1.xlarge", within=1)

    assert clock.now() - start == 1


def test_a_missing_node_is_not_resized() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())

    with pytest.raises(InvalidCluster, match="expected one of Master0000, found Slave0000"):
        stacks.resize("db", "Slave0000", "m1.xlarge")

    assert "update" not in heat.asked
