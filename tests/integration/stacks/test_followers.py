"""A source that admits another cluster, on the embedded cloud: the rule for its network, and the parameters of both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.controller import Cluster, Dialect, ExternalSource, Node, Stacks
from guestagent.embedded import Serving
from guestagent.embedded.openstack.neutron.network import NeutronNetwork
from guestagent.secret import Secret
from tests.support.cluster_lifecycle import NETWORK_OPTIONS
from tests.support.heat_requests import get_fake_cloud

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

NODE = Node("m1.small", "guestagent-mariadb")
CLIENTS, FOLLOWERS = "10.1.0.0/16", "10.2.0.0/24"
PASSWORDS = {"follower_reports": Secret("known-to-both")}
STACK_TIMEOUT_S = 120.0


@pytest.fixture
def networking(cloud: Serving) -> NeutronNetwork:
    return get_fake_cloud(cloud).compute.networking


def list_open_networks(networking: NeutronNetwork) -> set[str]:
    """The networks of the rules of all groups."""
    rules = [rule.attributes for group in list(networking.groups.values()) for rule in list(group.rules)]
    return {str(rule["remote_ip_prefix"]) for rule in rules if rule.get("remote_ip_prefix")}


def build_cluster(source: Node | ExternalSource, dialect: Dialect) -> Cluster:
    return Cluster.new(
        source=source,
        replicas=[NODE],
        client_networks=[CLIENTS] if isinstance(source, Node) else [],
        deadline=10,
        boot_allowance=10,
        dialect=dialect,
        subnet=NETWORK_OPTIONS[dialect].get("subnet"),
        network=NETWORK_OPTIONS[dialect].get("network"),
    )


@pytest.mark.parametrize("dialect", Dialect)
def test_an_admitted_network_may_connect_until_it_is_revoked(
    networking: NeutronNetwork, stacks: Stacks, dialect: Dialect
) -> None:
    stacks.wait(stacks.create("shop", build_cluster(NODE, dialect)), STACK_TIMEOUT_S)
    before = list_open_networks(networking)

    stacks.wait(
        stacks.change("shop", lambda now: now.admit("reports", FOLLOWERS), PASSWORDS), STACK_TIMEOUT_S
    )
    admitted = list_open_networks(networking)
    stacks.wait(stacks.change("shop", lambda now: now.revoke("reports")), STACK_TIMEOUT_S)

    assert admitted == before | {FOLLOWERS}
    assert list_open_networks(networking) == before


def test_a_network_stays_open_for_clients_when_the_cluster_in_it_is_revoked(
    networking: NeutronNetwork, stacks: Stacks
) -> None:
    stacks.wait(stacks.create("shop", build_cluster(NODE, Dialect.HOT)), STACK_TIMEOUT_S)
    stacks.wait(stacks.change("shop", lambda now: now.admit("reports", CLIENTS), PASSWORDS), STACK_TIMEOUT_S)

    stacks.wait(stacks.change("shop", lambda now: now.revoke("reports")), STACK_TIMEOUT_S)

    assert CLIENTS in list_open_networks(networking)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_cluster_that_follows_grows_and_shrinks_without_its_password(
    stacks: Stacks, dialect: Dialect
) -> None:
    source = ExternalSource("10.9.0.5", "follower_reports")
    stacks.wait(stacks.create("reports", build_cluster(source, dialect), PASSWORDS), STACK_TIMEOUT_S)

    stacks.wait(stacks.change("reports", lambda now: now.add_replica(NODE)), STACK_TIMEOUT_S)
    stacks.resize("reports", "Slave0001", "m1.large", STACK_TIMEOUT_S)
    stacks.wait(stacks.change("reports", lambda now: now.remove_replica("Slave0000")), STACK_TIMEOUT_S)

    cluster = stacks.cluster("reports")
    assert [(node.name, node.flavor) for node in cluster] == [("Slave0001", "m1.large")]
    assert cluster.source == source
    assert [str(node.state) for node in stacks.status("reports").nodes] == ["ready"]


def test_a_stack_that_admits_is_read_back_as_it_was(stacks: Stacks) -> None:
    stacks.wait(stacks.create("shop", build_cluster(NODE, Dialect.HOT)), STACK_TIMEOUT_S)
    before = stacks.cluster("shop")

    stacks.wait(
        stacks.change("shop", lambda now: now.admit("reports", FOLLOWERS), PASSWORDS), STACK_TIMEOUT_S
    )
    stacks.wait(stacks.change("shop", lambda now: now.revoke("reports")), STACK_TIMEOUT_S)

    after = stacks.cluster("shop")
    assert replace(after, source=before.source) == before
