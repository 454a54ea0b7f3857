"""A source that is killed, or that falls silent, in the middle of its dump."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from guestagent.seeding import SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.dump_objects import read_definitions, read_object_checksums
from tests.support.seeded_replica import SeededReplica

SLOW_MIB_S = 8
STALL_LIMIT_S = 120.0


@pytest.fixture
def loading_replica(replica: SeededReplica) -> SeededReplica:
    """A replica in the middle of its dump."""
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()
    return replica


@pytest.fixture
def frozen_source(source: DatabaseServer, loading_replica: SeededReplica) -> Iterator[DatabaseServer]:
    """A source whose process stands still in the middle of its dump, as behind a network that is cut."""
    source.send_signal(signal.SIGSTOP)
    try:
        yield source
    finally:
        source.send_signal(signal.SIGCONT)


@pytest.mark.patient
def test_a_source_that_is_killed_is_dumped_again(
    source: DatabaseServer, loading_replica: SeededReplica
) -> None:
    source.stop(signal.SIGKILL)
    source.start()

    state = loading_replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE, (state, loading_replica.log)
    assert state.attempts >= 2
    assert read_object_checksums(loading_replica.server) == read_object_checksums(source)
    assert read_definitions(loading_replica.server) == read_definitions(source)


@pytest.mark.patient
@pytest.mark.timeout(900)
def test_a_source_that_falls_silent_is_noticed_and_asked_again(
    frozen_source: DatabaseServer, loading_replica: SeededReplica
) -> None:
    loading_replica.wait_for_failure("no byte has come for 60 s", STALL_LIMIT_S)

    frozen_source.send_signal(signal.SIGCONT)
    state = loading_replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE, (state, loading_replica.log)
    assert read_object_checksums(loading_replica.server) == read_object_checksums(frozen_source)
