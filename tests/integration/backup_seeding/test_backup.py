"""Seeds by a backup stream from real sources of MariaDB."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedPhase
from tests.integration.backup_seeding.conftest import open_replica
from tests.support.database_servers import DatabaseServer
from tests.support.seed_nodes import (
    CHECKSUMS,
    DonorProcess,
    SeededReplica,
    build_request,
    follow_source,
    run_writer,
)

EVENT_STATUS = "(SELECT status FROM mysql.event WHERE name = 'clearance')"
KILL_POINTS = (
    *("connecting", "transferring", "bytes", "verifying", "received", "preparing", "prepared", "swapping"),
    *("starting", "positioning", "positioned"),
)


@pytest.mark.every_server
def test_a_replica_gets_all_data_under_writes(
    source: DatabaseServer, donor: DonorProcess, replica: SeededReplica
) -> None:
    with run_writer(source):
        state = replica.seed()
        assert state.phase is SeedPhase.DONE, (state, replica.log, donor.log)

    follow_source(replica, source)
    assert replica.server.execute(CHECKSUMS) == source.execute(CHECKSUMS)
    assert replica.server.query_value("@@read_only") == "1"
    assert replica.server.query_value(EVENT_STATUS) == "SLAVESIDE_DISABLED"
    assert not [*replica.data.parent.glob("guestagent-seed*"), *replica.data.glob("guestagent-seed*")]


@pytest.mark.parametrize(
    "points",
    [("bytes", "swapping"), pytest.param(KILL_POINTS, marks=pytest.mark.patient)],
    ids=["two points", "every point"],
)
def test_a_worker_that_is_killed_goes_on(
    source: DatabaseServer, donor: DonorProcess, replica: SeededReplica, points: tuple[str, ...]
) -> None:
    for point in points:
        replica.run_until(point)

    state = replica.seed()

    assert state.phase is SeedPhase.DONE, (state, replica.log, donor.log)
    assert "going on with the seed that was cut" in state.resumed
    follow_source(replica, source)
    assert replica.server.execute(CHECKSUMS) == source.execute(CHECKSUMS)


@pytest.mark.patient
def test_two_replicas_get_their_data_one_after_the_other(
    tmp_path: Path,
    data_template: Path,
    flavour: Flavour,
    source: DatabaseServer,
    donor: DonorProcess,
    replica: SeededReplica,
) -> None:
    with open_replica(tmp_path / "second", data_template, flavour, 3) as second:
        second.files.write_request(build_request(donor, second, "Replica0002"))

        replica.start_worker()
        second.start_worker()
        states = [replica.wait_for_end(), second.wait_for_end()]

        assert [state.phase for state in states] == [SeedPhase.DONE] * 2, donor.log
        streams = [line for line in donor.log.splitlines() if "backup" in line]
        assert [line.split(": ")[1].split(" of")[0] for line in streams] == [
            *("a backup begins,", "the backup"),
            *("a backup begins,", "the backup"),
        ]
        follow_source(second, source)
        assert second.server.execute(CHECKSUMS) == source.execute(CHECKSUMS)


@pytest.mark.patient
def test_data_that_are_given_up_on_purpose_stay_until_the_new_ones_are_ready(
    source: DatabaseServer, donor: DonorProcess, replica: SeededReplica
) -> None:
    replica.server.execute("CREATE SCHEMA mine", "CREATE TABLE mine.rows (id INT)")
    replica.files.write_request(replace(build_request(donor, replica), replaces_data=True))

    for point in ("bytes", "prepared"):
        replica.run_until(point)
        assert (replica.data / "mine").is_dir()
        assert replica.server.query_value("(SELECT COUNT(*) FROM mine.rows)") == "0"
    state = replica.seed()

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert not (replica.data / "mine").exists()
    follow_source(replica, source)
    assert replica.server.execute(CHECKSUMS) == source.execute(CHECKSUMS)


def test_a_server_with_other_data_is_left_untouched(donor: DonorProcess, replica: SeededReplica) -> None:
    replica.server.execute("CREATE SCHEMA mine", "CREATE TABLE mine.rows (id INT)")

    state = replica.seed()

    assert (state.phase, state.attempts) == (SeedPhase.FAILED, 1)
    assert "already holds data (mine)" in state.failure
    assert replica.server.query_value("(SELECT COUNT(*) FROM mine.rows)") == "0"
