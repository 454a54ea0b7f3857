"""A replica is seeded while something happens to its network, its source or its stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import render
from guestagent.controller.seed import SeedSettings
from guestagent.seeding import SeedPhase
from tests.support.disturbed_seeds import (
    add_address,
    change_source_address,
    cut_address,
    cut_network,
    find_address,
    list_donor_accounts,
    stop_service,
    update_meanwhile,
    wait_for_bytes,
    wait_for_failure,
    wait_for_stillness,
    wait_until_donor_is_gone,
)
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.polling import wait_until
from tests.support.seeded_cluster import JOINING, METHODS, SeededCluster

pytestmark = pytest.mark.timeout(900)

ROWS, FEW_ROWS = 50_000, 1000
RATE_LIMIT_MIB, LOWEST_RATE_LIMIT_MIB = 8, 1
"""The transfer then takes long enough for something to happen meanwhile."""
SECOND = "Slave0001"
SHORT_DEADLINE_S = 70
NEW_ADDRESS = 200


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud


@pytest.fixture(params=METHODS)
def cluster(request: pytest.FixtureRequest, cloud: GuestCloud) -> SeededCluster:
    cluster = SeededCluster(cloud, request.param, SeedSettings(rate_limit=RATE_LIMIT_MIB))
    cluster.create_source(ROWS)
    return cluster


def expect_equal_data(cluster: SeededCluster) -> None:
    """Wait for the end of the update, and compare all rows."""
    stack = cluster.wait_until_seeded(240)
    assert stack.status == "UPDATE_COMPLETE", cluster.collect_evidence()
    assert cluster.compute_checksum(cluster.replica) == cluster.compute_checksum(cluster.source)


@pytest.mark.patient
def test_two_replicas_join_at_once(cluster: SeededCluster) -> None:
    shown: set[str] = set()

    def note_queue() -> bool:
        states = [state for node in (JOINING, SECOND) if (state := cluster.read_seed_state(node))]
        shown.update("queue" for state in states if state.queue)
        shown.update("one at a time" for state in states if "one at a time" in state.failure)
        return len(states) == 2 and all(state.phase.has_ended for state in states)

    cluster.cloud.stacks.change(
        cluster.name, lambda now: now.add_replica(cluster.node).add_replica(cluster.node)
    )
    wait_until(note_queue, timeout_s=200)

    expect_equal_data(cluster)
    second = cluster.cloud.find_guest(SECOND)
    assert cluster.compute_checksum(second) == cluster.compute_checksum(cluster.source)
    assert shown == ({"queue"} if cluster.image == "guestagent-mariadb" else {"one at a time"})
    wait_until_donor_is_gone(cluster)


@pytest.mark.patient
def test_a_short_partition_is_waited_out(cluster: SeededCluster) -> None:
    cluster.add_replica()
    wait_for_bytes(cluster)

    with cut_network(cluster.cloud, cluster.source, cluster.replica):
        wait_for_stillness(cluster)

    expect_equal_data(cluster)


@pytest.mark.patient
def test_a_long_partition_is_noticed_by_its_bytes(cluster: SeededCluster) -> None:
    cluster.add_replica()
    wait_for_bytes(cluster)

    with cut_network(cluster.cloud, cluster.source, cluster.replica):
        wait_for_failure(cluster, "no byte has come")

    expect_equal_data(cluster)
    state = cluster.read_seed_state()
    assert state is not None
    assert state.attempts > 1
    wait_until_donor_is_gone(cluster)


@pytest.mark.patient
def test_a_partition_without_an_end_ends_with_the_deadline(cluster: SeededCluster) -> None:
    seeding = SeedSettings(rate_limit=RATE_LIMIT_MIB, deadline=SHORT_DEADLINE_S)
    cluster.cloud.stacks.change(
        cluster.name, lambda now: replace(now, seeding=seeding).add_replica(cluster.node)
    )
    wait_for_bytes(cluster)

    with cut_network(cluster.cloud, cluster.source, cluster.replica):
        stack = cluster.wait_for_replica(300)

    assert stack.status == "UPDATE_FAILED"
    assert "seed: expected a copy of the source's data" in stack.reason


@pytest.mark.patient
@pytest.mark.parametrize("loses_power", [False, True], ids=["reboot", "power cut"])
def test_a_source_that_boots_again_goes_on_as_a_donor(cluster: SeededCluster, loses_power: bool) -> None:
    cluster.add_replica()
    wait_for_bytes(cluster)
    hypervisor, source = cluster.cloud.hypervisor, cluster.source

    if loses_power:
        hypervisor.cut_power(source)
    hypervisor.reboot(source)

    expect_equal_data(cluster)
    wait_until_donor_is_gone(cluster)


@pytest.mark.patient
def test_a_donor_that_goes_away_comes_back(cluster: SeededCluster) -> None:
    cluster.add_replica()
    wait_for_bytes(cluster)
    service = "guestagent-donor" if cluster.image == "guestagent-mariadb" else "mysql"

    with (
        stop_service(cluster.cloud, cluster.source, "guestagent"),
        stop_service(cluster.cloud, cluster.source, service),
    ):
        wait_for_failure(cluster)

    expect_equal_data(cluster)
    wait_until_donor_is_gone(cluster)


@pytest.mark.patient
def test_a_donor_ends_whose_agent_was_away_at_the_end_of_the_seed(cluster: SeededCluster) -> None:
    cluster.add_replica()
    wait_for_bytes(cluster)

    with stop_service(cluster.cloud, cluster.source, "guestagent"):
        expect_equal_data(cluster)

    wait_until_donor_is_gone(cluster)


@pytest.mark.patient
def test_a_source_with_a_new_address_goes_on_as_a_donor(
    cluster: SeededCluster, free_subnet: IPv4Network
) -> None:
    cloud, address = cluster.cloud, str(free_subnet[NEW_ADDRESS])
    cluster.add_replica()
    wait_for_bytes(cluster)
    template = cloud.heat.template(cloud.heat.stacks(cluster.name)[0])
    add_address(cloud, cluster.source, address)

    with cut_address(cloud, cluster.replica, find_address(cloud, cluster.source)):
        update_meanwhile(cluster, change_source_address(template, JOINING, address))
        expect_equal_data(cluster)

    wait_until_donor_is_gone(cluster)


@pytest.mark.parametrize(
    "image", ["guestagent-mariadb", pytest.param("guestagent-mysql", marks=pytest.mark.patient)]
)
def test_a_replica_that_leaves_the_stack_takes_its_donor_along(cloud: GuestCloud, image: str) -> None:
    cluster = SeededCluster(cloud, image, SeedSettings(rate_limit=LOWEST_RATE_LIMIT_MIB))
    cluster.create_source(FEW_ROWS)
    joining = cloud.stacks.cluster(cluster.name).add_replica(cluster.node)
    cloud.stacks.change(cluster.name, lambda now: joining)
    wait_for_bytes(cluster)
    has_account = bool(list_donor_accounts(cluster, cluster.source))

    update_meanwhile(cluster, render(joining.remove_replica(JOINING)))

    wait_until_donor_is_gone(cluster)
    state = cluster.read_seed_state()
    assert state is None or state.phase is not SeedPhase.DONE
    assert has_account == (image == "guestagent-mysql")
