"""Seeds by a backup stream from real sources of MariaDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.donor_process import DonorProcess
from tests.support.seed_sources import read_checksums, run_writer
from tests.support.seeded_replica import SeededReplica, open_replica

EVENT_STATUS = "(SELECT status FROM mysql.event WHERE name = 'clearance')"
SLOW_MIB_S = 16
KILL_POINTS = (
    *("connecting", "transferring", "bytes", "verifying", "received", "preparing", "prepared", "swapping"),
    *("starting", "positioning", "positioned"),
)


def check_modes(replica: SeededReplica) -> None:
    """Compare the modes of copied files with those of a table that the server creates."""
    replica.server.execute("CREATE SCHEMA local", "CREATE TABLE local.t (id INT) ENGINE = Aria")
    names = ("db.opt", "t.frm", "t.MAI")
    modes = {(replica.data / "local" / name).stat().st_mode for name in names}
    copied = [path for path in (replica.data / "mysql").iterdir() if path.is_file()]
    assert {path.stat().st_mode for path in [*copied, replica.data / "ibdata1"]} == modes
    assert (replica.data / "mysql").stat().st_mode == (replica.data / "local").stat().st_mode


@pytest.mark.every_server
def test_a_replica_gets_all_data_under_writes(
    source: DatabaseServer, donor: DonorProcess, replica: SeededReplica
) -> None:
    with run_writer(source):
        state = replica.seed()
        assert state.phase is SeedPhase.DONE, (state, replica.log, donor.log)

    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)
    assert replica.server.query_value("@@read_only") == "1"
    assert replica.server.query_value(EVENT_STATUS) == "SLAVESIDE_DISABLED"
    check_modes(replica)
    assert not [*replica.data.parent.glob("guestagent-seed*"), *replica.data.glob("guestagent-seed*")]


@pytest.mark.parametrize(
    "points",
    [("bytes", "swapping"), pytest.param(KILL_POINTS, marks=pytest.mark.patient)],
    ids=["two points", "every point"],
)
def test_a_worker_that_is_killed_goes_on(
    source: DatabaseServer, donor: DonorProcess, replica: SeededReplica, points: tuple[str, ...]
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    for point in points:
        replica.kill_worker_at(point)
    replica.change_request(rate_limit=0)

    state = replica.seed()

    assert state.phase is SeedPhase.DONE, (state, replica.log, donor.log)
    assert "going on with the seed that was cut" in state.resumed
    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)


@pytest.mark.patient
def test_two_replicas_get_their_data_one_after_the_other(
    tmp_path: Path,
    data_template: Path,
    flavour: Flavour,
    source: DatabaseServer,
    donor: DonorProcess,
    replica: SeededReplica,
) -> None:
    endpoint = donor.build_endpoint("Replica0002")
    with open_replica(tmp_path / "second", data_template, flavour, SeedMethod.BACKUP, endpoint, 2) as second:
        replica.start_worker()
        second.start_worker()
        states = [replica.wait_for_worker(), second.wait_for_worker()]

        assert [state.phase for state in states] == [SeedPhase.DONE] * 2, donor.log
        streams = [line for line in donor.log.splitlines() if "backup" in line]
        assert [line.split(": ")[1].split(" of")[0] for line in streams] == [
            *("a backup begins,", "the backup"),
            *("a backup begins,", "the backup"),
        ]
        second.follow_source(source)
        assert read_checksums(second.server) == read_checksums(source)


@pytest.mark.patient
def test_data_that_are_given_up_on_purpose_stay_until_the_new_ones_are_ready(
    source: DatabaseServer, donor: DonorProcess, replica: SeededReplica
) -> None:
    replica.server.execute("CREATE SCHEMA mine", "CREATE TABLE mine.rows (id INT)")
    replica.change_request(replaces_data=True, rate_limit=SLOW_MIB_S)

    for point in ("bytes", "prepared"):
        replica.kill_worker_at(point)
        assert (replica.data / "mine").is_dir()
        assert replica.server.query_value("(SELECT COUNT(*) FROM mine.rows)") == "0"
    state = replica.seed()

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert not (replica.data / "mine").exists()
    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)


def test_a_server_with_other_data_is_left_untouched(donor: DonorProcess, replica: SeededReplica) -> None:
    replica.server.execute("CREATE SCHEMA mine", "CREATE TABLE mine.rows (id INT)")

    state = replica.seed()

    assert (state.phase, state.attempts) == (SeedPhase.FAILED, 1)
    assert "already holds data (mine)" in state.failure
    assert replica.server.query_value("(SELECT COUNT(*) FROM mine.rows)") == "0"
