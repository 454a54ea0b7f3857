"""A kill of any part in the middle of a dump: the next attempt drops what has come, and begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.seeding import SeedPhase, SeedState
from guestagent.seeding.dump_runner import POSITION
from tests.support.database_servers import DatabaseServer
from tests.support.dump_objects import read_definitions, read_object_checksums
from tests.support.polling import wait_until
from tests.support.processes import find_processes, kill
from tests.support.seed_sources import PASSWORD_END
from tests.support.seeded_replica import SeededReplica

SLOW_MIB_S = 16
SETTINGS = ("event_scheduler", "log_bin_trust_function_creators", "max_allowed_packet")


def check_replica(replica: SeededReplica, source: DatabaseServer, state: SeedState) -> None:
    """Compare the replica with its source, on which nothing is written."""
    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert read_object_checksums(replica.server) == read_object_checksums(source)
    assert read_definitions(replica.server) == read_definitions(source)
    replica.follow_source(source)


def find_programs(replica: SeededReplica) -> dict[str, int]:
    """Return the process ids of the dump's programs by their names."""
    loading = set(find_processes(f"--socket={replica.server.socket} ")) & set(find_processes("--binary-mode"))
    found = {"dump": find_processes("--single-transaction"), "load": sorted(loading)}
    return {name: pids[0] for name, pids in found.items() if pids}


@pytest.mark.patient
def test_a_worker_that_is_killed_at_every_state_loads_all(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    settings = [replica.server.query_value(f"@@{name}") for name in SETTINGS]
    first_memo = f"setting {SETTINGS[0]}"

    for point in ("connecting", first_memo, "bytes", "preparing", "positioning", POSITION):
        replica.kill_worker_at(point)
    state = replica.seed()

    assert state.resumed == "going on with the seed that was cut while positioning: the data are in place"
    assert [replica.server.query_value(f"@@{name}") for name in SETTINGS] == settings
    assert not list(replica.data.glob("guestagent-seed*"))
    check_replica(replica, source, state)


def test_a_killed_worker_takes_its_programs_along(source: DatabaseServer, replica: SeededReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    replica.kill_worker()

    wait_until(lambda: not find_programs(replica))
    replica.change_request(rate_limit=0)
    replica.start_worker()
    state = replica.wait_for_worker()
    assert state.resumed == "going on with the seed that was cut while transferring: the dump begins anew"
    check_replica(replica, source, state)


@pytest.mark.patient
@pytest.mark.parametrize("name", ["dump", "load"])
def test_a_program_that_is_killed_costs_an_attempt(
    source: DatabaseServer, replica: SeededReplica, name: str
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    kill(find_programs(replica)[name])

    state = replica.wait_for_worker()
    assert state.attempts == 2
    check_replica(replica, source, state)


@pytest.mark.patient
def test_a_killed_server_is_started_and_loaded_anew(source: DatabaseServer, replica: SeededReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    replica.kill_server()

    state = replica.wait_for_worker()
    assert state.attempts >= 2
    check_replica(replica, source, state)


def test_no_process_shows_the_password(source: DatabaseServer, replica: SeededReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    children = find_programs(replica)

    assert set(children) == {"dump", "load"}
    for pid in children.values():
        for file in ("cmdline", "environ"):
            assert PASSWORD_END not in Path(f"/proc/{pid}/{file}").read_bytes()
    replica.kill_worker()
