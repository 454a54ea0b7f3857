"""Client networks of a stack on the embedded cloud: a network that may connect before and after always may."""

from __future__ import annotations

import pytest

from guestagent.controller import Cluster, Dialect, Node, Stacks
from guestagent.controller.client_networks import disallow_networks, replace_network
from guestagent.embedded import Serving
from guestagent.embedded.openstack.neutron.network import NeutronNetwork
from tests.support.admitted_networks import MEMBERS, list_admitted, probe_all_the_time
from tests.support.cluster_strategies import with_inline_rules
from tests.support.heat_requests import get_fake_cloud

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

OLD, NEW, OTHER = "10.1.0.0/16", "10.2.0.0/16", "192.0.2.0/24"
STACK_TIMEOUT_S = 120.0


def build_cluster() -> Cluster:
    node = Node("m1.small", "guestagent-mariadb")
    return Cluster.new(
        source=node,
        replicas=[node],
        network="embedded",
        client_networks=[OLD, OTHER],
        deadline=10,
        boot_allowance=10,
        dialect=Dialect.HOT,
    )


@pytest.fixture
def networking(cloud: Serving) -> NeutronNetwork:
    return get_fake_cloud(cloud).compute.networking


def test_a_network_is_replaced_while_one_of_both_may_always_connect(
    networking: NeutronNetwork, stacks: Stacks
) -> None:
    stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S)
    servers = {port.server_id for port in networking.ports.values()}

    with probe_all_the_time(lambda: list_admitted(networking)) as readings:
        stacks.change_client_networks(
            "db", lambda cluster: replace_network(cluster, OLD, NEW), STACK_TIMEOUT_S
        )

    assert {MEMBERS, OTHER} <= set.intersection(*readings)
    assert all(reading & {OLD, NEW} for reading in readings)
    assert list_admitted(networking) == {MEMBERS, OTHER, NEW}
    assert {port.server_id for port in networking.ports.values()} == servers


def test_nodes_of_an_earlier_release_move_to_another_group_without_a_gap(
    networking: NeutronNetwork, stacks: Stacks
) -> None:
    stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S)
    stacks.wait(stacks.change("db", with_inline_rules), STACK_TIMEOUT_S)

    with probe_all_the_time(lambda: list_admitted(networking)) as readings:
        stacks.change_client_networks(
            "db", lambda cluster: disallow_networks(cluster, [OLD]), STACK_TIMEOUT_S
        )

    assert {MEMBERS, OTHER} <= set.intersection(*readings)
    assert list_admitted(networking) == {MEMBERS, OTHER}
    assert len(networking.groups) == 2, "the default one, and the nodes' own"
