"""The client networks of a cluster in HOT, changed in updates in which no rule that stays is ever missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, parse, render
from guestagent.controller.client_networks import (
    allow_networks,
    approach_client_networks,
    disallow_networks,
    replace_network,
)
from guestagent.errors import InvalidCluster
from tests.support.cluster_strategies import build_cluster, with_inline_rules

OLD, NEW, OTHER = "10.1.0.0/16", "10.2.0.0/16", "192.0.2.0/24"


def build_hot_cluster(**settings: Any) -> Cluster:
    return build_cluster(
        1, **{"dialect": Dialect.HOT, "network": "private", "client_networks": [OLD, OTHER], **settings}
    )


def list_updates(cluster: Cluster, networks: Sequence[str]) -> list[Cluster]:
    """List the clusters of all updates on the way, each of which reads back from its template."""
    updates: list[Cluster] = []
    while (changed := approach_client_networks(cluster, networks)) is not cluster:
        assert parse(render(changed)) == changed
        updates.append(changed)
        cluster = changed
    return updates


def list_admitted(cluster: Cluster) -> set[str]:
    """List the networks that every port admits, by the template."""
    resources = render(cluster)["resources"]
    groups = [each["get_resource"] for each in resources["Slave0000Port"]["properties"]["security_groups"]]
    inline = [rule for group in groups for rule in resources[group]["properties"]["rules"]]
    rules = [each["properties"] for each in resources.values() if each["type"].endswith("SecurityGroupRule")]
    own = [rule for rule in rules if rule["security_group"]["get_resource"] in groups]
    return {rule["remote_ip_prefix"] for rule in (*inline, *own) if "remote_ip_prefix" in rule}


def test_a_network_is_replaced_in_two_updates_the_first_with_both() -> None:
    cluster = build_hot_cluster()

    updates = list_updates(cluster, replace_network(cluster, OLD, NEW))

    assert [list_admitted(update) for update in updates] == [{OLD, NEW, OTHER}, {NEW, OTHER}]
    assert {update.group for update in updates} == {cluster.group}


def test_a_rule_that_stays_keeps_its_resource_whatever_comes_or_goes() -> None:
    cluster = build_hot_cluster()

    after = list_updates(cluster, [NEW, OTHER])[-1]

    name = cluster.group.name_rule(OTHER)
    assert render(cluster)["resources"][name] == render(after)["resources"][name]
    assert render(cluster)["resources"]["Database"] == render(after)["resources"]["Database"]


def test_a_network_is_added_beside_inline_rules_without_a_change_of_the_group() -> None:
    cluster = with_inline_rules(build_hot_cluster())

    (update,) = list_updates(cluster, allow_networks(cluster, [NEW]))

    assert list_admitted(update) == {OLD, OTHER, NEW}
    assert render(update)["resources"]["Database"] == render(cluster)["resources"]["Database"]


def test_an_inline_rule_goes_with_its_group_which_the_ports_leave_when_they_have_the_next_one() -> None:
    cluster = with_inline_rules(build_hot_cluster())

    both, alone = list_updates(cluster, disallow_networks(cluster, [OLD]))

    ports = [
        render(each)["resources"]["Slave0000Port"]["properties"]["security_groups"] for each in (both, alone)
    ]
    assert ports == [
        [{"get_resource": "Database"}, {"get_resource": "Database2"}],
        [{"get_resource": "Database2"}],
    ]
    assert [list_admitted(each) for each in (both, alone)] == [{OLD, OTHER}, {OTHER}]
    assert render(both)["resources"]["Database"] == render(cluster)["resources"]["Database"]
    assert "Database" not in render(alone)["resources"]


def test_a_move_to_another_group_is_combined_with_the_new_network() -> None:
    cluster = with_inline_rules(build_hot_cluster())

    updates = list_updates(cluster, replace_network(cluster, OLD, NEW))

    assert [list_admitted(update) for update in updates] == [{OLD, NEW, OTHER}, {NEW, OTHER}]


def test_an_interrupted_move_is_ended_by_the_next_change() -> None:
    cluster = with_inline_rules(build_hot_cluster())
    interrupted = approach_client_networks(cluster, [OTHER])

    updates = list_updates(interrupted, allow_networks(interrupted, [NEW]))

    assert [update.former_group is None for update in updates] == [False, True]
    assert list_admitted(updates[-1]) == {OLD, OTHER, NEW}


def test_inline_rules_stay_where_nova_has_made_the_ports() -> None:
    cluster = with_inline_rules(build_hot_cluster(network=None, subnet="subnet-1"))

    with pytest.raises(
        InvalidCluster, match=f"{OLD}, a part of the security group, found none .Nova made the ports"
    ):
        approach_client_networks(cluster, [OTHER])


def test_cfn_keeps_its_networks() -> None:
    with pytest.raises(InvalidCluster, match="client_networks: expected no change in CFN"):
        approach_client_networks(build_hot_cluster(dialect=Dialect.CFN), [OLD])


def test_a_network_that_is_not_there_is_named_with_those_that_are() -> None:
    cluster = build_hot_cluster()

    expected = f"one of the client networks, {OLD}, {OTHER}, found {NEW}"
    with pytest.raises(InvalidCluster, match=expected):
        disallow_networks(cluster, [NEW])
    with pytest.raises(InvalidCluster, match=expected):
        replace_network(cluster, NEW, "10.3.0.0/16")


def test_what_was_replaced_already_is_left_alone() -> None:
    cluster = build_hot_cluster(client_networks=[NEW, OTHER])

    assert approach_client_networks(cluster, replace_network(cluster, OLD, NEW)) is cluster
