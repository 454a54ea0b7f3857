"""Dumps that are refused, that are repeated because the source has changed, and that replace data on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guestagent.secret import Secret
from guestagent.seeding import SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.dump_objects import read_definitions, read_object_checksums
from tests.support.seeded_replica import SeededReplica

SLOW_MIB_S = 16


@pytest.fixture
def full_replica(replica: SeededReplica) -> SeededReplica:
    """A replica with data and an account of its own."""
    replica.server.execute(
        "SET GLOBAL " + ("super_read_only" if replica.request.family == "mysql" else "read_only") + " = 0",
        "CREATE SCHEMA own",
        "CREATE TABLE own.t (id INT PRIMARY KEY)",
        "INSERT INTO own.t VALUES (7)",
        "CREATE USER guest@'%'",
    )
    return replica


@pytest.fixture
def weak_account(source: DatabaseServer) -> Iterator[str]:
    """A donor account for another method."""
    source.execute("CREATE USER weak@'%' IDENTIFIED BY 'weak word'", "GRANT PROCESS ON *.* TO weak@'%'")
    yield "weak"
    source.execute("DROP USER weak@'%'")


def test_other_data_are_refused_untouched(full_replica: SeededReplica) -> None:
    state = full_replica.seed()

    assert state.phase is SeedPhase.FAILED
    assert "already holds data (own)" in state.failure
    assert full_replica.server.query_value("(SELECT id FROM own.t)") == "7"
    assert not list(full_replica.data.glob("guestagent-seed*"))


@pytest.mark.patient
def test_old_data_that_must_stay_are_refused(full_replica: SeededReplica) -> None:
    full_replica.change_request(replaces_data=True)

    state = full_replica.seed()

    assert state.phase is SeedPhase.FAILED
    assert "cannot keep the old data" in state.failure
    assert "--discard" in state.advice
    assert full_replica.server.query_value("(SELECT id FROM own.t)") == "7"


@pytest.mark.patient
def test_discarded_data_are_replaced(source: DatabaseServer, full_replica: SeededReplica) -> None:
    full_replica.change_request(replaces_data=True, discards_data=True)

    state = full_replica.seed()

    assert state.phase is SeedPhase.DONE, state
    assert read_definitions(full_replica.server) == read_definitions(source)
    users = full_replica.server.query_value("(SELECT COUNT(*) FROM mysql.user WHERE user = 'guest')")
    assert users == "0"
    full_replica.follow_source(source)
    assert read_object_checksums(full_replica.server) == read_object_checksums(source)


@pytest.mark.patient
def test_an_account_of_another_method_is_refused(replica: SeededReplica, weak_account: str) -> None:
    replica.change_donor(user=weak_account, password=Secret("weak word"))

    state = replica.seed()

    assert state.phase is SeedPhase.FAILED
    assert state.attempts == 1
    assert "lacks EVENT" in state.failure
    assert "must name Method dump" in state.advice


def test_values_that_a_dump_would_round_are_refused(source: DatabaseServer, replica: SeededReplica) -> None:
    source.execute("CREATE TABLE shop.exact (f FLOAT)", "INSERT INTO shop.exact VALUES (0.1234567)")

    state = replica.seed()

    source.execute("DROP TABLE shop.exact")
    assert state.phase is SeedPhase.FAILED
    assert state.failure.startswith("`shop`.`exact` has values of type FLOAT with more than six digits")
    assert not list(replica.data.glob("guestagent-seed*"))


@pytest.mark.patient
def test_an_account_that_does_not_exist_yet_is_awaited(replica: SeededReplica) -> None:
    replica.change_donor(user="nobody")
    replica.change_request(deadline_s=3)

    state = replica.seed()

    assert state.attempts > 1
    assert "1045" in state.failure


@pytest.mark.patient
def test_a_routine_that_is_newer_than_the_snapshot_costs_an_attempt(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    source.execute("CREATE PROCEDURE shop.late() SELECT 1")

    state = replica.wait_for_worker()
    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert state.attempts == 2
    assert "routines of the source have changed during its dump" in replica.log
    source.execute("DROP PROCEDURE shop.late")
    replica.follow_source(source)
    assert read_definitions(replica.server) == read_definitions(source)


@pytest.mark.patient
def test_a_table_without_transactions_that_is_written_costs_an_attempt(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    source.execute("CREATE TABLE shop.old (id INT PRIMARY KEY) ENGINE = MyISAM")
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.start_worker()
    replica.wait_for_bytes()

    source.execute("INSERT INTO shop.old VALUES (1)")

    state = replica.wait_for_worker()
    source.execute("DROP TABLE shop.old")
    assert (state.phase, state.attempts) == (SeedPhase.DONE, 2), (state, replica.log)
    assert "that no snapshot holds still were written during the dump: shop.old" in replica.log
    replica.follow_source(source)
