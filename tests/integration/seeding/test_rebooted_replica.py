"""A replica whose machine loses its power while it is seeded: after the boot it still becomes ready."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller.seed import SeedSettings
from guestagent.seeding import SeedPhase
from guestagent.seeding.clone_replacement import KEPT_FILES
from guestagent.seeding.data_swap import DataSwap, carry_files
from guestagent.seeding.seed_folder import find_seed_folder
from guestagent.seeding.swap_journal import SwapStage
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.polling import wait_until
from tests.support.seed_kills import LOOK_INTERVAL_S, find_stage, wait_for_stage
from tests.support.seeded_cluster import SeededCluster

pytestmark = [pytest.mark.timeout(900), pytest.mark.patient]

ROWS = 20_000
RATE_LIMIT_MIB = 12
READY_TIMEOUT_S = 240


class PowerLost(BaseException):
    """Ends the work of the worker at this point."""


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud


def begin_seed(cloud: GuestCloud, image: str) -> SeededCluster:
    cluster = SeededCluster(cloud, image, SeedSettings(rate_limit=RATE_LIMIT_MIB))
    cluster.create_source(ROWS)
    cluster.add_replica()
    return cluster


def check_replica(cluster: SeededCluster) -> None:
    stack = cluster.wait_until_seeded(READY_TIMEOUT_S)

    assert stack.status == "UPDATE_COMPLETE", cluster.collect_evidence()
    assert cluster.compute_checksum(cluster.replica) == cluster.compute_checksum(cluster.source)
    assert cluster.list_left_files() == []


@pytest.mark.parametrize(
    ("image", "phase"),
    [
        ("guestagent-mariadb", SeedPhase.TRANSFERRING),
        ("guestagent-mariadb", SeedPhase.PREPARING),
        ("guestagent-mariadb", SeedPhase.POSITIONING),
        ("guestagent-mysql", SeedPhase.TRANSFERRING),
        ("guestagent-mysql", SeedPhase.STARTING),
        ("guestagent-mysql", SeedPhase.POSITIONING),
    ],
)
def test_a_replica_that_loses_its_power_is_seeded_after_its_boot(
    cloud: GuestCloud, image: str, phase: SeedPhase
) -> None:
    cluster = begin_seed(cloud, image)
    wait_for_stage(cluster, find_stage(image, phase))
    guest = cluster.replica

    cloud.hypervisor.cut_power(guest)
    cloud.hypervisor.reboot(guest)

    check_replica(cluster)


def cut_swap(cluster: SeededCluster, stage: SwapStage, changes: int) -> None:
    """Replace the data on the disk of a replica without power, up to some changes after a stage has begun."""
    state, folder = cluster.read_seed_state(), cluster.find_replica_folder()
    assert state is not None
    assert folder is not None
    seed_folder = find_seed_folder(str(folder / "var/lib/mysql"), state.id)
    rest = [changes]

    def lose_power() -> None:
        if swap.stage is stage:
            rest[0] -= 1
        if rest[0] == 0:
            raise PowerLost

    swap = DataSwap(seed_folder, lose_power)
    carry_files(seed_folder.target, seed_folder.fresh, KEPT_FILES)
    swap.set_owners()
    with pytest.raises(PowerLost):
        swap.swap()


@pytest.mark.parametrize("changes", [2, 5])
@pytest.mark.parametrize("stage", [SwapStage.EMPTYING, SwapStage.FILLING])
def test_a_replica_boots_with_a_part_of_the_data_in_place(
    cloud: GuestCloud, stage: SwapStage, changes: int
) -> None:
    cluster = begin_seed(cloud, "guestagent-mariadb")
    wait_for_stage(cluster, find_stage("guestagent-mariadb", SeedPhase.SWAPPING))
    guest = cluster.replica
    cloud.hypervisor.cut_power(guest)
    cut_swap(cluster, stage, changes)

    cloud.hypervisor.reboot(guest)

    check_replica(cluster)
    log = cloud.read_log(guest, "guestagent-seed")
    assert "going on with the seed that was cut while swapping" in log


@pytest.mark.parametrize("stage", [SwapStage.EMPTYING, SwapStage.FILLING])
def test_a_reseeded_replica_boots_with_a_part_of_the_data_in_place(
    cloud: GuestCloud, stage: SwapStage
) -> None:
    cluster = begin_seed(cloud, "guestagent-mysql")
    cluster.wait_until_seeded(READY_TIMEOUT_S)
    guest, first_state = cluster.replica, cluster.read_seed_state()
    assert first_state is not None
    cloud.stacks.change(cluster.name, lambda now: now.reseed("Slave0000"))

    def is_swapping() -> bool:
        state = cluster.read_seed_state()
        return state is not None and state.id != first_state.id and state.phase is SeedPhase.SWAPPING

    wait_until(is_swapping, READY_TIMEOUT_S, LOOK_INTERVAL_S)
    cloud.hypervisor.cut_power(guest)
    cut_swap(cluster, stage, 5)

    cloud.hypervisor.reboot(guest)

    check_replica(cluster)
    assert "going on with the seed that was cut while swapping" in cloud.read_log(guest, "guestagent-seed")
