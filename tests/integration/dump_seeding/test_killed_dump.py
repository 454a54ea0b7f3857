"""A kill of any part in the middle of a dump: the next attempt drops what has come, and begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.seeding import SeedPhase, SeedState
from guestagent.seeding.dump_runner import POSITION
from tests.support.database_servers import DatabaseServer
from tests.support.dump_nodes import PASSWORD, DumpReplica, read_checksums, read_definitions
from tests.support.polling import wait_until
from tests.support.seed_nodes import kill

SLOW_MIB_S = 16
SETTINGS = ("event_scheduler", "log_bin_trust_function_creators", "max_allowed_packet")


def check_replica(replica: DumpReplica, state: SeedState) -> None:
    """Compare the replica with its source, on which nothing is written."""
    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert read_checksums(replica.server) == read_checksums(replica.source)
    assert read_definitions(replica.server) == read_definitions(replica.source)
    replica.follow_source()


def has_bytes(state: SeedState) -> bool:
    return state.phase is SeedPhase.TRANSFERRING and state.bytes_done > 0


@pytest.mark.patient
def test_a_worker_that_is_killed_at_every_state_loads_all(replica: DumpReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    settings = [replica.server.query_value(f"@@{name}") for name in SETTINGS]
    fatal_states = (
        lambda state: state.phase is SeedPhase.CONNECTING,
        lambda state: bool(state.memo),
        has_bytes,
        lambda state: state.phase is SeedPhase.PREPARING,
        lambda state: state.phase is SeedPhase.POSITIONING,
        lambda state: POSITION in state.memo,
    )

    for is_fatal in fatal_states:
        replica.kill_worker_at(is_fatal)
    state = replica.seed_here()

    assert state.resumed == "going on with the seed that was cut while positioning"
    assert [replica.server.query_value(f"@@{name}") for name in SETTINGS] == settings
    assert not list(replica.data.glob("guestagent-seed*"))
    (replica.folder / "worker.log").touch()
    check_replica(replica, state)


def test_a_killed_worker_takes_its_programs_along(replica: DumpReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    replica.kill_worker()

    wait_until(lambda: not replica.list_children())
    replica.change_request(rate_limit=0)
    replica.start_worker()
    state = replica.wait_for_worker()
    assert state.resumed == "going on with the seed that was cut while transferring"
    check_replica(replica, state)


@pytest.mark.patient
@pytest.mark.parametrize("name", ["dump", "load"])
def test_a_program_that_is_killed_costs_an_attempt(replica: DumpReplica, name: str) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    kill(replica.list_children()[name])

    state = replica.wait_for_worker()
    assert state.attempts == 2
    check_replica(replica, state)


@pytest.mark.patient
def test_a_killed_server_is_started_and_loaded_anew(replica: DumpReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    replica.kill_server()

    state = replica.wait_for_worker()
    assert state.attempts >= 2
    check_replica(replica, state)


def test_no_process_shows_the_password(source: DatabaseServer, replica: DumpReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    children = replica.list_children()

    assert set(children) == {"dump", "load"}
    for pid in children.values():
        for file in ("cmdline", "environ"):
            assert PASSWORD.reveal()[-9:].encode() not in Path(f"/proc/{pid}/{file}").read_bytes()
    replica.kill_worker()
