"""CLONE to data directories on disks of their own, and to disks that are too small."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.seed_sources import build_endpoint, read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica
from tests.support.small_disk import fill_disk, mount_small_disk

AMPLE_MIB, ROOMY_MIB, TIGHT_MIB = 700, 350, 190
SLOW_MIB_S = 32


@pytest.fixture
def mounted_replica(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    data_template: Path,
    flavour: Flavour,
    source: DatabaseServer,
) -> Iterator[SeededReplica]:
    """An empty replica whose data directory is a file system of this size in MiB."""
    folder = tmp_path / "replica"
    folder.mkdir()
    endpoint = build_endpoint(source)
    with open_replica(folder, data_template, flavour, SeedMethod.CLONE, endpoint) as replica:
        replica.stop_server()
        shutil.move(replica.data, tmp_path / "old")
        with mount_small_disk(replica.data, request.param) as data:
            for path in (tmp_path / "old").iterdir():
                shutil.move(path, data)
            replica.start_server()
            yield replica
            replica.close()


@pytest.mark.patient
@pytest.mark.parametrize("mounted_replica", [AMPLE_MIB], indirect=True)
def test_an_empty_server_is_cloned_to_a_file_system_of_its_own(
    source: DatabaseServer, mounted_replica: SeededReplica
) -> None:
    state = mounted_replica.seed()

    assert state.phase is SeedPhase.DONE, (state, mounted_replica.log)
    mounted_replica.follow_source(source)
    assert read_checksums(mounted_replica.server) == read_checksums(source)
    assert not list(mounted_replica.data.glob("guestagent-seed*"))


@pytest.mark.patient
@pytest.mark.parametrize("mounted_replica", [AMPLE_MIB], indirect=True)
def test_data_in_a_file_system_of_their_own_are_not_replaced_unless_discarded(
    source: DatabaseServer, mounted_replica: SeededReplica
) -> None:
    replica = mounted_replica
    replica.server.execute(
        "SET GLOBAL super_read_only = 0", "CREATE SCHEMA mine", "SET GLOBAL super_read_only = 1"
    )
    replica.change_request(replaces_data=True)

    refused = replica.seed()
    schemas = replica.server.execute("SHOW DATABASES LIKE 'mine'")
    replica.change_request(id="b2", discards_data=True)
    state = replica.seed()

    assert refused.phase is SeedPhase.FAILED
    assert "is a file system of its own" in refused.failure
    assert len(schemas) == 1
    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert read_checksums(replica.server) == read_checksums(source)


@pytest.mark.patient
@pytest.mark.parametrize("mounted_replica", [TIGHT_MIB], indirect=True)
def test_a_disk_that_is_too_small_for_what_the_source_has_is_refused(mounted_replica: SeededReplica) -> None:
    state = mounted_replica.seed()

    assert (state.phase, state.bytes_done) == (SeedPhase.FAILED, 0), (state, mounted_replica.log)
    assert "the disk is full" in state.failure
    assert "is not enough" in state.failure


@pytest.mark.patient
@pytest.mark.parametrize("mounted_replica", [ROOMY_MIB], indirect=True)
def test_a_clone_goes_on_when_a_full_disk_has_room_again(
    source: DatabaseServer, mounted_replica: SeededReplica
) -> None:
    mounted_replica.change_request(rate_limit=SLOW_MIB_S)
    mounted_replica.start_worker()
    mounted_replica.wait_for_bytes()
    filler = fill_disk(mounted_replica.data / "filler.txt")
    mounted_replica.wait_for_failure("the disk is full")

    filler.unlink()
    state = mounted_replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE, (state, mounted_replica.log)
    assert read_checksums(mounted_replica.server) == read_checksums(source)
