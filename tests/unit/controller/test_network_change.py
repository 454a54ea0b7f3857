"""Other client networks for a stack: as many updates as it takes, and none before a failed one has been repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, FakeHeat, Stack, Stacks, parse
from guestagent.controller.client_networks import allow_networks, disallow_networks, replace_network
from guestagent.controller.heat_api import NO_PARAMETERS
from guestagent.errors import CloudUnreachable, InvalidCluster, StackFailed
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.cluster_strategies import build_cluster, with_inline_rules
from tests.support.fake_stacks import launch_stack

OLD, NEW = "10.1.0.0/16", "10.2.0.0/16"


class UpdatedHeat(FakeHeat):
    """Keeps the client networks of every update."""

    def __init__(self) -> None:
        super().__init__()
        self.networks: list[tuple[str, ...]] = []

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        super().update(stack, template, timeout_minutes, parameters)
        self.networks.append(parse(template).client_networks)


def build_hot_cluster() -> Cluster:
    return build_cluster(1, dialect=Dialect.HOT, network="private", client_networks=[OLD])


def test_a_network_is_replaced_with_both_in_between() -> None:
    heat = UpdatedHeat()
    stacks = launch_stack(heat, build_hot_cluster())

    stacks.change_client_networks("db", lambda cluster: replace_network(cluster, OLD, NEW))

    assert heat.networks == [(OLD, NEW), (NEW,)]


def test_a_stack_of_an_earlier_release_moves_to_another_group() -> None:
    heat = UpdatedHeat()
    stacks = launch_stack(heat, build_hot_cluster())
    stacks.wait(stacks.change("db", with_inline_rules))
    heat.networks.clear()

    stacks.change_client_networks("db", lambda cluster: disallow_networks(cluster, [OLD]))

    assert heat.networks == [(OLD,), ()]
    assert stacks.cluster("db").group.resource == "Database2"


def test_nothing_is_sent_if_nothing_changes() -> None:
    heat = UpdatedHeat()
    stacks = launch_stack(heat, build_hot_cluster())

    stack = stacks.change_client_networks("db", lambda cluster: allow_networks(cluster, [OLD]))

    assert (stack.status, heat.networks) == ("CREATE_COMPLETE", [])


def test_an_interrupted_replacement_is_completed_by_the_same_call() -> None:
    heat = UpdatedHeat()
    stacks = launch_stack(heat, build_hot_cluster())
    heat.drops = ["update"] * 100
    with pytest.raises(CloudUnreachable):
        stacks.change_client_networks("db", lambda cluster: replace_network(cluster, OLD, NEW))
    heat.drops.clear()
    stacks.wait(stacks.change("db", lambda cluster: cluster))
    heat.networks.clear()

    stacks.change_client_networks("db", lambda cluster: replace_network(cluster, OLD, NEW))

    assert heat.networks == [(OLD, NEW), (NEW,)]


def test_after_a_failed_update_its_own_template_is_brought_into_force_first() -> None:
    heat = UpdatedHeat()
    stacks = Stacks(heat, FakeClock())
    heat.verdicts["Slave0000ReadyWaitCond"] = "no login"
    with pytest.raises(StackFailed):
        stacks.wait(stacks.create("db", build_hot_cluster()))

    stacks.change_client_networks("db", lambda cluster: replace_network(cluster, OLD, NEW))

    assert heat.networks == [(OLD,), (OLD, NEW), (NEW,)]


def test_a_network_that_is_not_there_changes_nothing() -> None:
    heat = UpdatedHeat()
    stacks = launch_stack(heat, build_hot_cluster())

    with pytest.raises(InvalidCluster, match=f"found {NEW}"):
        stacks.change_client_networks("db", lambda cluster: disallow_networks(cluster, [NEW]))

    assert heat.networks == []
