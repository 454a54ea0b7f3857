"""Clusters as values: names, numbers, operations, and what makes no sense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.controller import Cluster, Node
from guestagent.errors import InvalidCluster
from guestagent.metadata import Tls
from tests.support.cluster_strategies import LARGE, SMALL, build_cluster, clusters, list_names, nodes

SOURCE = replace(LARGE, name="Master0000", server_id=101)


def test_a_new_cluster_gives_its_nodes_names_and_server_ids() -> None:
    made = build_cluster(replicas=2)

    assert list_names(made) == ["Master0000", "Slave0000", "Slave0001"]
    assert [node.server_id for node in made] == [101, 102, 103]
    assert [node.generation for node in made] == [1, 1, 1]


def test_every_node_keeps_its_own_flavor_and_image() -> None:
    made = Cluster.new(source=LARGE, replicas=[SMALL, Node("m1.tiny", "other-image")])

    assert [(node.flavor, node.image) for node in made] == [
        ("m1.large", "guestagent-mariadb"),
        ("m1.small", "guestagent-mariadb"),
        ("m1.tiny", "other-image"),
    ]


def test_an_added_replica_gives_the_source_something_new_to_prove() -> None:
    added = build_cluster(replicas=1).add_replica(SMALL)

    assert list_names(added) == ["Master0000", "Slave0000", "Slave0001"]
    assert [node.generation for node in added] == [2, 1, 1]


def test_a_removed_replica_leaves_every_generation_as_it_was() -> None:
    removed = build_cluster(replicas=2).remove_replica("Slave0000")

    assert list_names(removed) == ["Master0000", "Slave0001"]
    assert [node.generation for node in removed] == [1, 1]


def test_the_number_and_the_id_of_a_removed_replica_are_never_given_again() -> None:
    again = build_cluster(replicas=1).remove_replica("Slave0000").add_replica(SMALL)

    assert list_names(again) == ["Master0000", "Slave0001"]
    assert [node.server_id for node in again] == [101, 103]


def test_a_renewed_node_has_its_own_handle_and_condition() -> None:
    renewed = build_cluster(replicas=2).renew("Slave0001")

    assert renewed.node("Slave0001").condition == "Slave0001ReadyWaitCond2"
    assert renewed.node("Slave0001").handle == "Slave0001ReadyWaitCondHandle2"
    assert renewed.node("Slave0000").condition == "Slave0000ReadyWaitCond"


def test_a_resized_node_has_another_flavor_and_nothing_to_prove_yet() -> None:
    resized = build_cluster(replicas=2).resize("Slave0001", "m1.xlarge").resize("Master0000", "m1.huge")

    assert [node.flavor for node in resized] == ["m1.huge", "m1.small", "m1.xlarge"]
    assert [node.generation for node in resized] == [1, 1, 1]


def test_only_a_node_of_the_cluster_can_be_resized() -> None:
    with pytest.raises(InvalidCluster, match="expected one of Master0000, found Slave0000"):
        build_cluster().resize("Slave0000", "m1.large")


def test_operations_leave_the_cluster_that_they_were_called_on() -> None:
    before = build_cluster(replicas=1)

    before.add_replica(SMALL).remove_replica("Slave0000").renew("Master0000").resize("Master0000", "m1.tiny")

    assert before == build_cluster(replicas=1)


@given(clusters(), st.lists(nodes, min_size=1, max_size=3))
def test_names_and_ids_are_never_given_twice(made: Cluster, more: list[Node]) -> None:
    grown = made
    for node in more:
        grown = grown.add_replica(node)

    added = grown.replicas[len(made.replicas) :]
    assert not {node.name for node in added} & set(list_names(made))
    assert len({node.server_id for node in grown}) == len(list_names(grown))
    assert min(node.server_id for node in added) >= made.next_server_id


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Slave0007", "node: expected one of Slave0000, found Slave0007"),
        (
            "Master0000",
            "expected one of Slave0000, found Master0000, the source (a cluster keeps its source)",
        ),
    ],
)
def test_only_a_replica_of_the_cluster_can_be_removed(name: str, message: str) -> None:
    with pytest.raises(InvalidCluster) as refused:
        build_cluster(replicas=1).remove_replica(name)

    assert message in str(refused.value)


def test_only_a_node_of_the_cluster_can_be_renewed() -> None:
    with pytest.raises(InvalidCluster, match="expected one of Master0000, found Slave0000"):
        build_cluster().renew("Slave0000")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"deadline": 700},
            "boot_allowance + deadline to be less than auth_ttl, 900 s, found 300 + 700 = 1000 s",
        ),
        ({"deadline": 0}, "deadline: expected an integer from 1 to 43200, found 0"),
        (
            {"boot_allowance": 43200, "auth_ttl": 10**6},
            "at most 43200 s, Heat's limit, found 43200 + 90 = 43290 s",
        ),
        ({"subnet": "a", "network": "b"}, "network: expected a subnet or a network, found both"),
        ({"subnet": " a"}, "subnet: expected printable text with no blank at its ends"),
        ({"key_pair": ""}, "key_pair: expected a string that is not empty, found an empty one"),
        ({"client_networks": ["10.0.0.7/24"]}, "client_networks[0]: expected a network such as 10.0.0.0/24"),
        (
            {"client_networks": ["fd00::/8"]},
            "client_networks[0]: expected a network of IPv4 in a cluster without ipv6",
        ),
        (
            {"replica_network": "fd00:1::/48"},
            "replica_network: expected a network of IPv4 in a cluster without ipv6",
        ),
        (
            {"replica_network": "fd00::/64", "ipv6": True},
            "smallest larger network that they can distinguish is fd00::/48",
        ),
        ({"client_networks": ["10.0.0.0/8"] * 2}, "client_networks: expected networks that differ"),
        ({"variables": {"server_id": 1}}, "found one that it may not: the agent gives each node its own"),
        ({"variables": "x"}, "variables: expected a mapping, found a string"),
        ({"replica_network": "10.0.0.9"}, "found 10.0.0.9 (write 10.0.0.9/32)"),
        ({"metadata_url": "heat:8000"}, "metadata_url: expected the http(s) address of Heat's CFN API"),
        ({"metadata_url": "http://heat/$x"}, "metadata_url: expected the http(s) address of Heat's CFN API"),
        ({"metadata_url": "http://heat:0/"}, "metadata_url: expected the http(s) address of Heat's CFN API"),
        (
            {"variables": {"sql_mode": {"get_param": "x"}}},
            "variables.sql_mode: expected a value, found the template ",
        ),
        (
            {"replicas": 1, "variables": {"bind_address": "::1"}},
            "bind_address: expected an address that replicas can",
        ),
        (
            {"replicas": 10, "variables": {"max_connections": 10}},
            "max_connections: expected at least 11 for 10 rep",
        ),
        (
            {"tls": Tls(required=False), "variables": {"require_secure_transport": True}},
            "variables.require_secure_transport: expected OFF if channels are in clear, found ON",
        ),
        ({"polling_interval": 0}, "polling_interval: expected an integer from 1 to 3600, found 0"),
    ],
)
def test_what_makes_no_sense_is_reported_with_its_path(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCluster) as refused:
        build_cluster(**settings)

    assert message in str(refused.value)


def test_everything_wrong_is_reported_at_once() -> None:
    with pytest.raises(InvalidCluster) as refused:
        Cluster.new(source=Node("", "image"), replicas=[Node("flavor", "\n")], deadline=-1, key_pair="")

    assert [problem.path for problem in refused.value.problems] == [
        "source.flavor",
        "replicas[0].image",
        "key_pair",
        "deadline",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"next_server_id": 102}, "replicas[0].server_id: expected one below the next, 102, found 102"),
        ({"next_replica": 1}, "replicas[1].name: expected a number below the next, 1, found Slave0001"),
        ({"source": replace(SOURCE, name="db1")}, "source.name: expected Master0000, Slave0000"),
        ({"source": replace(SOURCE, name="Slave0000")}, "names that differ, found Slave0000 2 times"),
        ({"source": replace(SOURCE, server_id=102)}, "server ids that differ, found 102 2 times"),
        ({"source": LARGE}, "source.server_id: expected an integer from 1 to 4294967295, found 0"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCluster) as refused:
        replace(build_cluster(replicas=2), **change)

    assert message in str(refused.value)


def test_replicas_stand_in_the_order_in_which_they_came() -> None:
    made = build_cluster(replicas=2)

    with pytest.raises(InvalidCluster, match="in the order of their server ids"):
        replace(made, replicas=made.replicas[::-1])


def test_new_variables_are_for_every_node_to_prove() -> None:
    before = build_cluster(replicas=2, variables={"max_connections": 100})

    after = before.with_variables({"max_connections": 200})

    assert after.variables == {"max_connections": 200}
    assert [node.generation for node in after] == [2, 2, 2]


def test_a_source_needs_connections_for_its_seeds() -> None:
    cluster = build_cluster(replicas=1, variables={"max_connections": 10})

    with pytest.raises(InvalidCluster, match="at least 11 for 4 replicas, of which 3 are seeded"):
        cluster.add_replica(SMALL).add_replica(SMALL).add_replica(SMALL)
