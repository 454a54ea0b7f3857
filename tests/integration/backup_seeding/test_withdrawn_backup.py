"""A seed by a backup that is not wanted any more: the server has its old data again, or can start empty."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.donor_process import DonorProcess
from tests.support.seed_sources import read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica
from tests.support.small_disk import mount_small_disk

DISK_MIB = 500
SLOW_MIB_S = 16


def list_remains(replica: SeededReplica) -> list[Path]:
    return [*replica.data.parent.glob("guestagent-seed*"), *replica.data.glob("guestagent-seed*")]


@pytest.fixture
def parted_replica(replica: SeededReplica) -> SeededReplica:
    """A replica with data of its own, which are given up."""
    replica.server.execute(
        "CREATE SCHEMA mine", "CREATE TABLE mine.t (id INT PRIMARY KEY)", "INSERT INTO mine.t VALUES (7)"
    )
    replica.change_request(replaces_data=True, rate_limit=SLOW_MIB_S)
    return replica


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("bytes", marks=pytest.mark.patient),
        pytest.param("prepared", marks=pytest.mark.patient),
        pytest.param("swapping", marks=pytest.mark.patient),
        pytest.param("starting", marks=pytest.mark.patient),
        "positioned",
    ],
)
def test_a_reseed_that_is_withdrawn_gives_the_old_data_back(
    parted_replica: SeededReplica, point: str
) -> None:
    parted_replica.kill_worker_at(point)

    state = parted_replica.withdraw()

    assert state.is_withdrawn, parted_replica.log
    assert parted_replica.server.query_value("(SELECT id FROM mine.t)") == "7"
    assert list_remains(parted_replica) == []


@pytest.mark.patient
def test_a_seed_whose_time_is_over_after_the_replacement_gives_the_old_data_back(
    parted_replica: SeededReplica,
) -> None:
    parted_replica.kill_worker_at("positioning")
    state = parted_replica.state
    assert state is not None
    parted_replica.files.write_state(replace(state, elapsed_s=99999.0))
    parted_replica.change_request(socket="/no/socket")

    state = parted_replica.seed()

    assert state.phase is SeedPhase.FAILED, parted_replica.log
    assert "Seeding.Deadline" in state.failure
    assert parted_replica.server.query_value("(SELECT id FROM mine.t)") == "7"
    assert list_remains(parted_replica) == []


@pytest.fixture
def full_replica(
    tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess
) -> Iterator[SeededReplica]:
    """A replica that is to discard its data, because its disk has no room for the new ones beside them."""
    with (
        mount_small_disk(tmp_path / "disk", DISK_MIB) as disk,
        open_replica(disk, data_template, flavour, SeedMethod.BACKUP, donor.build_endpoint()) as replica,
    ):
        shutil.rmtree(disk / "lost+found")
        replica.server.execute("CREATE SCHEMA mine", "CREATE TABLE mine.t (pad LONGBLOB)")
        while shutil.disk_usage(disk).free > 200 << 20:
            replica.server.execute("INSERT INTO mine.t VALUES (REPEAT('x', 8000000))")
        replica.change_request(replaces_data=True, discards_data=True)
        yield replica


@pytest.mark.patient
def test_discarded_data_make_room_for_the_new_ones(
    source: DatabaseServer, full_replica: SeededReplica
) -> None:
    state = full_replica.seed()

    assert state.phase is SeedPhase.DONE, (state, full_replica.log)
    assert not (full_replica.data / "mine").exists()
    full_replica.follow_source(source)
    assert read_checksums(full_replica.server) == read_checksums(source)


def test_a_reseed_that_has_discarded_the_data_leaves_a_server_that_can_start(
    full_replica: SeededReplica,
) -> None:
    full_replica.change_request(rate_limit=SLOW_MIB_S)  # a fast disk would end before the first progress
    full_replica.kill_worker_at("bytes")

    state = full_replica.withdraw()

    assert state.is_withdrawn, full_replica.log
    assert list_remains(full_replica) == []
    full_replica.stop_server()
    full_replica.start_server()
    assert full_replica.server.query_value("(SELECT COUNT(*) FROM mysql.db WHERE db = 'mine')") == "0"
    assert not (full_replica.data / "mine").exists()
    assert full_replica.server.query_value("@@gtid_binlog_state") == ""
