"""A replica with data of its own is seeded on purpose: its data stay until the new ones are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedPhase
from guestagent.seeding.clone_memo import COPIED
from tests.support.clone_volume import SERVER_USER, open_volume_replica
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.seed_sources import read_checksums, run_writer
from tests.support.seeded_replica import SeededReplica


@pytest.fixture
def parted_replica(replica: SeededReplica) -> SeededReplica:
    """A replica with a transaction of its own, whose data are given up."""
    replica.server.execute(
        "SET GLOBAL super_read_only = 0",
        "CREATE SCHEMA mine",
        "CREATE TABLE mine.t (id INT PRIMARY KEY)",
        "INSERT INTO mine.t VALUES (7)",
        "SET GLOBAL super_read_only = 1",
    )
    replica.change_request(replaces_data=True)
    return replica


def test_the_old_data_stay_until_the_new_ones_are_there(
    source: DatabaseServer, parted_replica: SeededReplica
) -> None:
    replica = parted_replica
    uuid = replica.server.query_value("@@server_uuid")
    replica.change_request(rate_limit=16)

    with run_writer(source):
        replica.start_worker()
        replica.wait_for_bytes()
        kept_row = replica.server.query_value("(SELECT id FROM mine.t)")
        state = replica.wait_for_worker()
        replica.follow_source(source)

    assert kept_row == "7"
    assert state.phase is SeedPhase.DONE, state.failure
    wait_until(lambda: read_checksums(replica.server) == read_checksums(source))
    assert replica.server.query_value("@@server_uuid") == uuid
    assert str(uuid) not in str(replica.server.query_value("@@GLOBAL.gtid_executed"))
    assert {path.name for path in replica.folder.glob("guestagent-seed*")} == set()
    assert not list(replica.data.glob("guestagent-seed*"))


@pytest.mark.patient
def test_data_on_a_private_volume_are_replaced_by_a_server_without_rights(
    flavour: Flavour, data_template: Path, source: DatabaseServer
) -> None:
    with open_volume_replica(data_template, flavour, source) as replica:
        state = replica.seed()

        assert state.phase is SeedPhase.DONE, state.failure
        assert read_checksums(replica.server) == read_checksums(source)
        assert (replica.data / "ibdata1").owner() == SERVER_USER
        assert [path.name for path in (replica.folder / "volume").iterdir()] == ["mysql"]
        assert (replica.folder / "volume").stat().st_mode & 0o777 == 0o700


def test_a_worker_that_is_killed_at_every_state_copies_once(
    source: DatabaseServer, parted_replica: SeededReplica
) -> None:
    replica = parted_replica
    replica.change_request(rate_limit=16)

    for point in ("bytes", COPIED, "swapping", "starting", "positioning"):
        replica.kill_worker_at(point)
    state = replica.seed()

    assert state.phase is SeedPhase.DONE
    assert read_checksums(replica.server) == read_checksums(source)
    assert (
        replica.server.execute("SELECT COUNT(*) AS count FROM performance_schema.clone_status")[0]["count"]
        == "1"
    )


@pytest.mark.patient
def test_a_killed_server_keeps_its_data_and_is_cloned_again(
    source: DatabaseServer, parted_replica: SeededReplica
) -> None:
    replica = parted_replica
    replica.change_request(rate_limit=32)
    replica.start_worker()
    replica.wait_for_bytes()

    replica.kill_server()
    replica.start_server()
    kept_row = replica.server.query_value("(SELECT id FROM mine.t)")
    state = replica.wait_for_worker()

    assert kept_row == "7"
    assert (state.phase, state.attempts) == (SeedPhase.DONE, 2)
    assert read_checksums(replica.server) == read_checksums(source)


@pytest.mark.patient
def test_data_that_may_be_discarded_are_replaced_in_place(
    source: DatabaseServer, parted_replica: SeededReplica
) -> None:
    replica = parted_replica
    replica.change_request(discards_data=True)

    state = replica.seed()

    assert state.phase is SeedPhase.DONE
    assert replica.count_drops() == 1
    assert read_checksums(replica.server) == read_checksums(source)
    assert replica.server.query_value("@@GLOBAL.gtid_executed") == state.position
    assert replica.server.query_value("@@super_read_only") == "1"
