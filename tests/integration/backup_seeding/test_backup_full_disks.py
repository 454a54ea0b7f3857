"""Disks that fill up during a seed by a backup: the replica's after the transfer, and the source's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.donor_process import DonorProcess
from tests.support.polling import wait_until
from tests.support.seed_sources import admit_replica, fill_source, read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica
from tests.support.small_disk import fill_disk, mount_small_disk

DISK_MIB = 420
SOURCE_MIB = 160


@pytest.fixture
def cramped_replica(
    tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess
) -> Iterator[SeededReplica]:
    """An empty replica on a small disk."""
    with (
        mount_small_disk(tmp_path / "disk", DISK_MIB) as disk,
        open_replica(disk, data_template, flavour, SeedMethod.BACKUP, donor.build_endpoint()) as replica,
    ):
        shutil.rmtree(disk / "lost+found")
        yield replica


@pytest.fixture
def small_source(tmp_path: Path, data_template: Path, flavour: Flavour) -> Iterator[DatabaseServer]:
    """A source on a small disk."""
    with (
        mount_small_disk(tmp_path / "source", SOURCE_MIB) as disk,
        open_server(disk, data_template, "server-id=1", flavour=flavour) as source,
    ):
        fill_source(source, 2)
        admit_replica(source, SeedMethod.BACKUP)
        yield source


@pytest.mark.patient
@pytest.mark.parametrize("point", ["received", "prepared", "positioning"])
def test_a_replica_whose_disk_fills_up_goes_on_when_it_has_room(
    source: DatabaseServer, cramped_replica: SeededReplica, point: str
) -> None:
    replica = cramped_replica
    replica.kill_worker_at(point)
    filler = fill_disk(replica.folder / "filler")
    replica.start_worker()
    wait_until(lambda: "full" in replica.log or "No space" in replica.log)

    filler.unlink()
    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)


@pytest.mark.patient
def test_a_source_whose_disk_is_full_is_asked_again_until_it_has_room(
    tmp_path: Path,
    data_template: Path,
    flavour: Flavour,
    small_source: DatabaseServer,
    authority: CertificateAuthority,
) -> None:
    folder = tmp_path / "donor"
    folder.mkdir()
    donor = DonorProcess(small_source, folder, authority.valid)
    donor.configure("Replica0001")
    donor.start()
    filler = fill_disk(small_source.folder / "filler")
    endpoint = donor.build_endpoint()
    with open_replica(tmp_path / "replica", data_template, flavour, SeedMethod.BACKUP, endpoint) as replica:
        replica.start_worker()
        replica.wait_for_failure("No space left on device")

        filler.unlink()
        state = replica.wait_for_worker()

        donor.kill()
        assert state.phase is SeedPhase.DONE, (state, replica.log, donor.log)
        replica.follow_source(small_source)
        assert read_checksums(replica.server) == read_checksums(small_source)
