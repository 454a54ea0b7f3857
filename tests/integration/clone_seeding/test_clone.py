"""An empty replica is cloned from a source that is written to, and follows it."""

from __future__ import annotations

import pytest

from guestagent.secret import Secret
from guestagent.seeding import SeedMethod, SeedPhase
from guestagent.seeding.clone_memo import EMPTIED
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.seed_sources import PASSWORD_END, create_donor_account, read_checksums, run_writer
from tests.support.seeded_replica import SeededReplica


@pytest.fixture
def secured_replica(replica: SeededReplica, authority: CertificateAuthority) -> SeededReplica:
    """A replica that verifies the source's certificate."""
    replica.change_donor(ca=authority.text, verifies_name=True)
    return replica


def test_an_empty_replica_gets_the_data_and_follows(
    source: DatabaseServer, secured_replica: SeededReplica
) -> None:
    replica = secured_replica
    replica.server.execute("SET PERSIST max_connections = 77")
    uuid = replica.server.query_value("@@server_uuid")

    with run_writer(source):
        state = replica.seed()
        replica.follow_source(source)

    assert state.phase is SeedPhase.DONE
    assert state.bytes_done > 64 << 20
    assert str(source.query_value("@@server_uuid")) in state.position
    wait_until(lambda: read_checksums(replica.server) == read_checksums(source))
    assert replica.server.query_value("@@server_uuid") == uuid
    assert replica.server.query_value("@@max_connections") == "77"
    assert replica.server.query_value("@@super_read_only") == "1"
    assert not list(replica.data.glob("guestagent-seed*"))


def test_the_password_is_in_no_log(source: DatabaseServer, replica: SeededReplica) -> None:
    state = replica.seed()

    assert state.phase is SeedPhase.DONE
    assert PASSWORD_END not in replica.server.read_all_logs()
    history = replica.server.execute("SELECT * FROM performance_schema.events_statements_history_long")
    assert PASSWORD_END.decode() not in str(history)


def test_the_donor_account_ends_at_the_replica_too(source: DatabaseServer, replica: SeededReplica) -> None:
    replica.seed()
    replica.server.execute("SET GLOBAL super_read_only = 1")

    source.execute("DROP USER donor@'%'")
    try:
        replica.follow_source(source)
        accounts = replica.server.execute("SELECT COUNT(*) AS count FROM mysql.user WHERE user = 'donor'")
    finally:
        create_donor_account(source, SeedMethod.CLONE)

    assert accounts[0]["count"] == "0"


def test_a_server_with_data_is_left_alone(replica: SeededReplica) -> None:
    replica.server.execute(
        "SET GLOBAL super_read_only = 0", "CREATE SCHEMA mine", "CREATE TABLE mine.t (id INT PRIMARY KEY)"
    )

    state = replica.seed()

    assert state.phase is SeedPhase.FAILED
    assert state.failure == "this server is not empty: it has schemas mine"
    assert replica.server.query_value("(SELECT COUNT(*) FROM mine.t)") == "0"
    assert not list(replica.data.glob("guestagent-seed*"))


def test_a_foreign_certificate_is_rejected_before_anything_is_written(
    replica: SeededReplica, authority: CertificateAuthority
) -> None:
    replica.change_donor(ca=authority.other_ca.ca.read_text())
    replica.change_request(deadline_s=0)

    state = replica.seed()

    assert state.phase is SeedPhase.FAILED
    assert "was not signed by the CA" in state.failure
    assert replica.count_drops() == 0


@pytest.mark.patient
def test_the_replicas_certificate_satisfies_an_account_that_requires_one(
    source: DatabaseServer, replica: SeededReplica, authority: CertificateAuthority
) -> None:
    certificate, key = authority.sign("replica").texts
    replica.change_donor(ca=authority.text, certificate=certificate, key=Secret(key))
    replica.change_request(deadline_s=0)
    source.execute("ALTER USER donor@'%' REQUIRE X509")
    try:
        state = replica.seed()
    finally:
        source.execute("ALTER USER donor@'%' REQUIRE SSL")

    assert state.phase is SeedPhase.DONE, state.failure


@pytest.mark.patient
def test_a_missing_account_is_waited_for(source: DatabaseServer, replica: SeededReplica) -> None:
    source.execute("DROP USER donor@'%'")
    replica.start_worker()
    wait_until(lambda: "another attempt" in replica.log)

    create_donor_account(source, SeedMethod.CLONE)
    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE
    assert state.attempts > 1


@pytest.mark.patient
def test_tables_that_clone_leaves_empty_are_a_failure_with_an_empty_server(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    source.execute("CREATE TABLE shop.old (id INT) ENGINE = MyISAM")
    try:
        state = replica.seed()
    finally:
        source.execute("DROP TABLE shop.old")

    assert state.phase is SeedPhase.FAILED
    assert "left these tables empty: shop.old" in state.failure
    accounts = "(SELECT COUNT(*) FROM mysql.user WHERE user = 'donor')"
    assert replica.server.query_value(accounts) == "0"
    assert "shop" not in str(replica.server.execute("SHOW DATABASES"))
    assert replica.server.query_value("@@gtid_executed") == ""
    assert replica.server.query_value("@@super_read_only") == "1"


@pytest.mark.patient
def test_a_copy_that_lacks_rows_is_removed_also_after_a_kill(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    source.execute("CREATE TABLE shop.old (id INT) ENGINE = MyISAM")
    try:
        replica.kill_worker_at(EMPTIED)
    finally:
        source.execute("DROP TABLE shop.old")

    again = replica.seed()

    assert again.phase is SeedPhase.FAILED
    assert "left these tables empty: shop.old" in again.failure


@pytest.mark.patient
def test_the_channel_of_the_source_does_not_come_along(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    source.execute("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '10.9.9.9', SOURCE_USER = 'x'")
    try:
        state = replica.seed()
    finally:
        source.execute("RESET REPLICA ALL")

    assert state.phase is SeedPhase.DONE
    assert replica.server.execute("SHOW REPLICA STATUS") == []


@pytest.mark.patient
def test_an_unsupervised_server_is_started_again(source: DatabaseServer, replica: SeededReplica) -> None:
    replica.stop_server()
    replica.is_supervised = False
    replica.write_scripts()

    state = replica.seed()

    assert state.phase is SeedPhase.DONE
    assert read_checksums(replica.server) == read_checksums(source)
