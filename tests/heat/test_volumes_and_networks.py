"""Data volumes and client networks of a cluster on a real Heat, whose Cinder and Neutron are the embedded ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.controller.client_networks import disallow_networks, replace_network
from guestagent.embedded.openstack.cinder.volumes import BlockStorage
from tests.heat.operator_requests import list_events
from tests.support.admitted_networks import MEMBERS, list_admitted, probe_all_the_time
from tests.support.cluster_strategies import with_inline_rules
from tests.support.guest_cloud import GuestCloud
from tests.support.volume_cluster import GIB, build_volume_cluster, measure_data_directory, run_writer

pytestmark = pytest.mark.timeout(900)

STACK = "volumes"
OLD, NEW = "10.1.0.0/16", "10.2.0.0/16"
STEP_TIMEOUT_S = 400.0


@pytest.fixture(scope="module")
def cluster(real_heat: GuestCloud) -> Iterator[GuestCloud]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    stacks = real_heat.stacks
    stacks.wait(stacks.create(STACK, build_volume_cluster()), STEP_TIMEOUT_S)
    yield real_heat
    stacks.wait(stacks.delete(STACK), STEP_TIMEOUT_S)
    for volume in list(get_storage(real_heat).volumes.values()):
        get_storage(real_heat).volumes.pop(volume.id)


def get_storage(cloud: GuestCloud) -> BlockStorage:
    return cloud.server.cloud.compute.storage


def list_actions(cloud: GuestCloud) -> list[str]:
    """List the actions on the servers of the stack, in alphabetical order."""
    compute = cloud.server.cloud.compute
    servers = [server.id for server in compute.servers.values() if server.name.startswith(STACK)]
    return sorted(each.name for server in servers for each in compute.actions.list_actions(server))


def test_a_volume_grows_under_a_writer_and_heat_leaves_it_attached(cluster: GuestCloud) -> None:
    source = cluster.find_guest(f"{STACK}-Master0000")

    with run_writer(cluster, source) as writer:
        stack = cluster.stacks.resize_volume(STACK, "Master0000", 2, STEP_TIMEOUT_S)

    assert stack.status == "UPDATE_COMPLETE"
    assert (writer.failures, writer.count > 0) == ([], True)
    assert measure_data_directory(cluster, source) > GIB
    assert list_actions(cluster) == ["create", "create", "extend_volume"]


def test_a_network_is_replaced_while_one_of_both_may_always_connect(cluster: GuestCloud) -> None:
    networking = cluster.server.cloud.compute.networking

    with probe_all_the_time(lambda: list_admitted(networking)) as readings:
        cluster.stacks.change_client_networks(
            STACK, lambda cluster: replace_network(cluster, OLD, NEW), STEP_TIMEOUT_S
        )

    assert all(MEMBERS in reading and reading & {OLD, NEW} for reading in readings)
    assert list_admitted(networking) == {MEMBERS, NEW}


def test_inline_rules_go_with_their_group_and_the_nodes_keep_their_servers(cluster: GuestCloud) -> None:
    networking, stacks = cluster.server.cloud.compute.networking, cluster.stacks
    stacks.wait(stacks.change(STACK, with_inline_rules), STEP_TIMEOUT_S)

    with probe_all_the_time(lambda: list_admitted(networking)) as readings:
        stacks.change_client_networks(
            STACK, lambda cluster: disallow_networks(cluster, [NEW]), STEP_TIMEOUT_S
        )

    assert all(MEMBERS in reading for reading in readings)
    assert list_admitted(networking) == {MEMBERS}
    created = [name for status, name in list_events(cluster, STACK) if status == "CREATE_COMPLETE"]
    assert created.count("Master0000") == created.count("Slave0000") == 1
