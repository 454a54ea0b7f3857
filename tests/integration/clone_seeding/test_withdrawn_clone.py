"""A CLONE that is not wanted any more, or whose files are damaged: nothing of it is used, and nothing else is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.seeding import SeedPhase
from guestagent.seeding.clone_memo import POSITION
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.seed_sources import read_checksums
from tests.support.seeded_replica import SeededReplica

SLOW_MIB_S = 16


def check_empty(replica: SeededReplica) -> None:
    assert replica.server.query_value("@@GLOBAL.gtid_executed") == ""
    assert "shop" not in str(replica.server.execute("SHOW DATABASES"))
    assert not list(replica.data.glob("guestagent-seed*"))
    assert not list(replica.folder.glob("guestagent-seed*"))


def wait_for_copy(replica: SeededReplica) -> None:
    """Wait until the server has copied all without any worker and has ended, and start it."""
    pid = (replica.folder / "pid").read_text().strip()
    wait_until(lambda: not Path(f"/proc/{pid}/exe").exists(), 40)
    replica.start_server()
    statuses = replica.server.execute("SELECT state FROM performance_schema.clone_status")
    assert statuses == [{"state": "Completed"}]


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("bytes", marks=pytest.mark.patient),
        "starting",
        pytest.param(POSITION, marks=pytest.mark.patient),
    ],
)
def test_a_clone_in_place_that_is_withdrawn_leaves_an_empty_server(
    replica: SeededReplica, point: str
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.kill_worker_at(point)

    state = replica.withdraw()

    assert state.is_withdrawn
    check_empty(replica)


@pytest.mark.patient
def test_a_clone_that_was_completed_without_its_worker_is_removed_and_begins_again(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.kill_worker_at("bytes")
    wait_for_copy(replica)
    assert replica.withdraw().is_withdrawn
    check_empty(replica)
    replica.files.forget_state()
    replica.files.write_request(replica.request)

    state = replica.seed()

    assert state.phase is SeedPhase.DONE
    assert read_checksums(replica.server) == read_checksums(source)


@pytest.mark.parametrize(
    "is_complete", [False, pytest.param(True, marks=pytest.mark.patient)], ids=["running", "complete"]
)
def test_a_clone_whose_state_is_damaged_begins_anew(
    source: DatabaseServer, replica: SeededReplica, is_complete: bool
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.kill_worker_at("bytes")
    if is_complete:
        wait_for_copy(replica)
    replica.files.state_path.write_text("{")
    replica.change_request(rate_limit=0)

    state = replica.seed()

    assert state.phase is SeedPhase.DONE, state
    assert replica.count_drops() == 2
    assert read_checksums(replica.server) == read_checksums(source)
    assert not list(replica.data.glob("guestagent-seed*"))


@pytest.mark.patient
def test_transactions_of_others_are_not_removed_with_a_withdrawn_copy(replica: SeededReplica) -> None:
    replica.kill_worker_at("starting")
    wait_for_copy(replica)
    replica.server.execute("SET GLOBAL super_read_only = 0", "CREATE SCHEMA mine")

    state = replica.withdraw()

    assert (state.phase, state.is_withdrawn) == (SeedPhase.FAILED, False)
    assert "withdrawn, and cannot be undone: the server has transactions" in state.failure
    assert "guestagent reseed --discard" in state.advice
    assert "mine" in str(replica.server.execute("SHOW DATABASES"))


@pytest.fixture
def parted_replica(replica: SeededReplica) -> SeededReplica:
    """A replica with data of its own, which are given up."""
    replica.server.execute(
        "SET GLOBAL super_read_only = 0",
        "CREATE SCHEMA mine",
        "CREATE TABLE mine.t (id INT PRIMARY KEY)",
        "INSERT INTO mine.t VALUES (7)",
    )
    replica.change_request(replaces_data=True, rate_limit=SLOW_MIB_S)
    return replica


@pytest.mark.patient
def test_a_reseed_that_has_discarded_the_data_leaves_an_empty_server(parted_replica: SeededReplica) -> None:
    parted_replica.change_request(discards_data=True)
    parted_replica.kill_worker_at("bytes")

    state = parted_replica.withdraw()

    assert state.is_withdrawn
    check_empty(parted_replica)
    parted_replica.stop_server()
    parted_replica.start_server()


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("bytes", marks=pytest.mark.patient),
        pytest.param("swapping", marks=pytest.mark.patient),
        pytest.param(POSITION, marks=pytest.mark.patient),
    ],
)
def test_a_reseed_that_is_withdrawn_gives_the_old_data_back(
    parted_replica: SeededReplica, point: str
) -> None:
    parted_replica.kill_worker_at(point)

    state = parted_replica.withdraw()

    assert state.is_withdrawn
    assert parted_replica.server.query_value("(SELECT id FROM mine.t)") == "7"
    assert not list(parted_replica.folder.glob("guestagent-seed*"))
    assert not list(parted_replica.data.glob("guestagent-seed*"))
