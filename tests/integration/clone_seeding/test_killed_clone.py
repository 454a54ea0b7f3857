"""A kill of any part in the middle of a CLONE: the next start goes on, or begins again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from guestagent.seeding.clone_memo import POSITION
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.seed_sources import admit_replica, fill_source, read_checksums
from tests.support.seeded_replica import SeededReplica

SLOW_MIB_S = 16


@pytest.fixture
def mortal_source(
    flavour: Flavour, data_template: Path, tmp_path: Path, replica: SeededReplica
) -> Iterator[DatabaseServer]:
    """Another source for the replica, which a test may kill."""
    with open_server(tmp_path / "mortal", data_template, "server-id=3", flavour=flavour) as server:
        fill_source(server, 32)
        admit_replica(server, SeedMethod.CLONE)
        replica.change_donor(port=server.port)
        yield server


def test_a_worker_that_is_killed_at_every_state_copies_once(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)

    for point in ("connecting", "transferring", "bytes", "starting", "positioning", POSITION):
        replica.kill_worker_at(point)
    state = replica.seed()

    assert state.phase is SeedPhase.DONE
    assert state.resumed == "going on with the seed that was cut while positioning: the data are in place"
    assert replica.count_drops() == 1
    assert read_checksums(replica.server) == read_checksums(source)
    assert not list(replica.data.glob("guestagent-seed*"))


@pytest.mark.patient
def test_a_clone_goes_on_without_its_worker(source: DatabaseServer, replica: SeededReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()
    replica.kill_worker()

    replica.start_worker()
    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE
    assert replica.count_drops() == 1
    assert read_checksums(replica.server) == read_checksums(source)


def test_a_server_that_is_killed_is_cloned_again(source: DatabaseServer, replica: SeededReplica) -> None:
    replica.change_request(rate_limit=2 * SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    replica.kill_server()
    state = replica.wait_for_worker()

    assert (state.phase, state.attempts) == (SeedPhase.DONE, 2)
    assert "the copy was cut" in replica.log
    assert read_checksums(replica.server) == read_checksums(source)


@pytest.mark.patient
def test_a_server_that_is_killed_before_its_restart_has_the_data_or_is_cloned_again(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    replica.kill_worker_at("starting")
    replica.kill_server()

    state = replica.seed()

    assert state.phase is SeedPhase.DONE
    assert read_checksums(replica.server) == read_checksums(source)


@pytest.mark.patient
def test_a_source_that_is_killed_and_comes_back_is_cloned(
    mortal_source: DatabaseServer, replica: SeededReplica
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    mortal_source.stop(signal.SIGKILL)
    mortal_source.start()
    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE
    assert read_checksums(replica.server) == read_checksums(mortal_source)


@pytest.mark.patient
@pytest.mark.timeout(900)
def test_a_source_that_sends_nothing_ends_the_attempt(
    mortal_source: DatabaseServer, replica: SeededReplica
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()
    mortal_source.send_signal(signal.SIGSTOP)

    replica.wait_for_failure("no byte has come for 60 s", 120)
    mortal_source.send_signal(signal.SIGCONT)
    state = replica.wait_for_worker()

    assert (state.phase, state.attempts) == (SeedPhase.DONE, 2)
    assert read_checksums(replica.server) == read_checksums(mortal_source)


@pytest.mark.patient
def test_a_withdrawn_seed_ends_in_the_server_too(replica: SeededReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()
    replica.kill_worker()

    replica.files.remove_request()
    replica.seed()

    states = replica.server.execute("SELECT state, error_no FROM performance_schema.clone_status")
    assert states == [{"state": "Failed", "error_no": "1317"}]
    assert replica.server.query_value("@@GLOBAL.gtid_executed") == ""
