"""Clusters whose source is in another cluster, and sources that other clusters follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from guestagent.controller import (
    Cluster,
    Dialect,
    ExternalSource,
    Follower,
    render,
)
from guestagent.controller.external_source import compute_first_replica_id
from guestagent.controller.follower import build_follower_account
from guestagent.controller.template import stack_timeout_minutes
from guestagent.errors import InvalidCluster
from guestagent.metadata import Role, documents
from guestagent.metadata import parse as parse_document
from tests.support.cluster_strategies import (
    EXTERNAL,
    SMALL,
    build_cluster,
    build_following_cluster,
    list_names,
)

NETWORK = "10.2.0.0/24"

dialects = pytest.mark.parametrize("dialect", Dialect)


def list_rule_networks(cluster: Cluster) -> list[str]:
    """The networks of the rules that are resources of the template."""
    template = render(cluster)
    resources = template.get("resources") or template["Resources"]
    properties = [
        each.get("properties") or each["Properties"] for name, each in resources.items() if "Rule" in name
    ]
    return [each["remote_ip_prefix"] for each in properties]


def test_a_following_cluster_has_replicas_only() -> None:
    cluster = build_following_cluster(2)

    assert list_names(cluster) == ["Slave0000", "Slave0001"]
    with pytest.raises(
        InvalidCluster, match="source: expected a node of this cluster, found an external source"
    ):
        _ = cluster.own_source


def test_its_server_ids_are_far_from_those_of_the_source_and_of_other_followers() -> None:
    first = build_following_cluster(2)
    other = Cluster.new(source=replace(EXTERNAL, account="follower_mirror"), replicas=[SMALL])

    ids = [node.server_id for node in (*first, *other, *build_cluster(50))]

    assert len(set(ids)) == len(ids)
    assert first.next_server_id == compute_first_replica_id("follower_reports") + 2


@dialects
def test_its_replicas_read_the_address_and_the_shared_account(dialect: Dialect) -> None:
    source = replace(EXTERNAL, port=3307)
    template = render(Cluster.new(source=source, replicas=[SMALL] * 2, dialect=dialect))

    read = [parse_document(raw) for _, raw in documents(template)]

    assert [document.role for document in read] == [Role.REPLICA] * 2
    masters = [document.source for document in read if document.source is not None]
    assert {(each.address, each.port, each.user.name) for each in masters} == {
        ("10.1.0.5", 3307, "follower_reports")
    }
    assert "RandomString" not in json.dumps(template)


def test_an_added_replica_has_no_seed_and_changes_nothing_else() -> None:
    added = build_following_cluster(1).add_replica(SMALL)

    assert [(node.name, node.generation, node.seed) for node in added] == [
        ("Slave0000", 1, None),
        ("Slave0001", 1, None),
    ]


@pytest.mark.parametrize(
    "operation",
    [
        lambda cluster: cluster.reseed("Slave0000"),
        lambda cluster: cluster.rotate(),
        lambda cluster: cluster.end_rotation(),
        lambda cluster: cluster.admit("others", NETWORK),
    ],
)
def test_what_only_a_source_can_do_is_refused(operation: Callable[[Cluster], Cluster]) -> None:
    with pytest.raises(InvalidCluster, match="expected a node of this cluster, found an external source"):
        operation(build_following_cluster(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replicas": 0}, "replicas: expected at least one if the source is external, found none"),
        ({"replica_network": NETWORK}, "replica_network: expected none"),
        ({"verification": "verifier"}, "verification: expected none if the source is external"),
    ],
)
def test_what_makes_no_sense_beside_an_external_source_is_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidCluster) as refused:
        build_following_cluster(**{"replicas": 1, **settings})

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            ExternalSource("::", "account"),
            "source.external.address: expected an address that leads somewhere",
        ),
        (ExternalSource("db:3306", "account"), "source.external.address: expected an IPv4 or IPv6 address"),
        (ExternalSource("db", ""), "source.external.account: expected"),
        (ExternalSource("db", "account", 0), "source.external.port: expected"),
    ],
)
def test_the_values_of_an_external_source_are_checked(source: ExternalSource, message: str) -> None:
    with pytest.raises(InvalidCluster) as refused:
        Cluster.new(source=source, replicas=[SMALL])

    assert message in str(refused.value)


def test_the_stack_of_a_following_cluster_waits_for_its_replicas_only() -> None:
    assert stack_timeout_minutes(build_following_cluster(2)) == stack_timeout_minutes(build_cluster(0))


def test_a_source_that_admits_a_cluster_proves_its_account() -> None:
    admitted = build_cluster(1).admit("reports", NETWORK)

    assert [node.generation for node in admitted] == [2, 1]
    assert admitted.followers == (Follower("reports", NETWORK),)


def test_a_revoked_cluster_leaves_everything_as_it_was() -> None:
    before = build_cluster(1)

    revoked = before.admit("reports", NETWORK).revoke("reports")

    assert replace(revoked, source=before.source) == before


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (
            lambda cluster: cluster.admit("reports", "10.9.0.0/24"),
            "follower: expected one that is not admitted yet",
        ),
        (
            lambda cluster: cluster.admit("mirror", "10.9.0.1/24"),
            "followers\\[1\\].network: expected a network",
        ),
        (
            lambda cluster: cluster.admit("mirror", "2001:db8::/64"),
            "expected a network of IPv4 in a cluster without",
        ),
        (lambda cluster: cluster.admit("", NETWORK), "followers\\[1\\].name: expected"),
        (lambda cluster: cluster.revoke("mirror"), "follower: expected one of reports, found mirror"),
    ],
)
def test_a_follower_that_makes_no_sense_is_refused(
    operation: Callable[[Cluster], Cluster], message: str
) -> None:
    with pytest.raises(InvalidCluster, match=message):
        operation(build_cluster(1).admit("reports", NETWORK))


@dialects
def test_the_accounts_of_followers_come_from_their_own_network_only(dialect: Dialect) -> None:
    cluster = build_cluster(1, dialect=dialect, replica_network="10.0.0.0/24").admit("reports", NETWORK)

    document = parse_document(dict(documents(render(cluster)))["Master0000"])

    assert [(user.name, str(user.network)) for user in document.users] == [
        ("slave0000", "None"),
        ("follower_reports", NETWORK),
    ]
    assert str(document.section.network) == "10.0.0.0/24"


@dialects
def test_one_rule_opens_the_port_to_the_network_of_a_follower(dialect: Dialect) -> None:
    cluster = build_cluster(1, dialect=dialect).admit("reports", NETWORK).admit("mirror", NETWORK)

    assert list_rule_networks(cluster) == [NETWORK]
    assert list_rule_networks(cluster.revoke("reports")) == [NETWORK]
    assert list_rule_networks(cluster.revoke("reports").revoke("mirror")) == []


def test_a_network_of_clients_gets_no_second_rule() -> None:
    cluster = build_cluster(1, dialect=Dialect.HOT, client_networks=[NETWORK]).admit("reports", NETWORK)

    assert list_rule_networks(cluster) == [NETWORK]
    assert list_rule_networks(replace(cluster, client_networks=())) == [NETWORK]


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("reports", "follower_reports"),
        ("r" * 23, f"follower_{'r' * 23}"),
        ("r" * 24, "follower_f8a205b2323f2756"),
    ],
)
def test_the_account_of_a_follower_follows_from_its_name(name: str, account: str) -> None:
    assert build_follower_account(name) == account
    assert Follower(name, NETWORK).account == account
