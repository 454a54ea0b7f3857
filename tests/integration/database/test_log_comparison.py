"""A GTID has the same time in the binary logs of source and replica, for every kind of transaction."""

from __future__ import annotations

from contextlib import closing

import pymysql
import pytest

from guestagent.database.binlog_comparison import BinlogComparison, ComparisonResult, read_excerpt
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.login import connect_socket
from guestagent.database.protocols import Database
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Source, User
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.replication import PASSWORD, REPLICATOR, start_replication

TABLES = (
    "CREATE DATABASE d",
    "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, v TEXT) ENGINE=InnoDB",
    "CREATE TABLE d.m (id INT) ENGINE=MyISAM",
)
SLOW = (
    "BEGIN",
    "INSERT INTO d.t (v) VALUES ('a')",
    "DO SLEEP(1.1)",
    "INSERT INTO d.t (v) VALUES ('b')",
    "COMMIT",
)
KINDS = (
    *SLOW,
    "INSERT INTO d.t (v) SELECT SLEEP(1.1)",
    "SET TIMESTAMP = 1000000000",
    "INSERT INTO d.t (v) VALUES (NOW())",
    "SET TIMESTAMP = DEFAULT",
    "UPDATE d.t SET v = CONCAT(v, 'x', SLEEP(0.2))",
    "ALTER TABLE d.t ADD c INT, ALGORITHM=COPY",
    "CREATE INDEX i ON d.t (c)",
    "CREATE TABLE d.copy ENGINE=InnoDB AS SELECT id, v FROM d.t",
    "INSERT INTO d.m SELECT SLEEP(1.1)",
    "CREATE TRIGGER d.g AFTER INSERT ON d.t FOR EACH ROW INSERT INTO d.copy (id) VALUES (0)",
    "CREATE PROCEDURE d.p() BEGIN START TRANSACTION; INSERT INTO d.t (v) VALUES (1); DO SLEEP(1.1);"
    " INSERT INTO d.t (v) VALUES (2); COMMIT; DO SLEEP(1.1); INSERT INTO d.t (v) VALUES (3); END",
    "CALL d.p()",
    "XA START 'x'",
    "INSERT INTO d.t (v) VALUES ('xa')",
    "XA END 'x'",
    "DO SLEEP(1.1)",
    "XA PREPARE 'x'",
    "DO SLEEP(1.1)",
    "XA COMMIT 'x'",
    "CREATE USER other",
    "GRANT SELECT ON *.* TO other",
    "TRUNCATE d.copy",
    "DROP USER other",
)


def execute_all(server: DatabaseServer, *statements: str) -> None:
    """Execute the statements in one session. A rejected one produces no transaction."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for statement in statements:
            try:
                cursor.execute(statement)
                cursor.fetchall()
            except pymysql.MySQLError:
                continue


def wait_for_replica(source: DatabaseServer, replica: Database) -> GtidHistory:
    """Wait until the replica has applied the source's history, and return it."""
    with closing(source.open()) as source_database:
        history = source_database.observe().history
    wait_until(lambda: not history.format_difference(replica.observe().history))
    return history


def purge_logs(source: DatabaseServer) -> None:
    """Purge all logs but the newest. A log that a replica reads cannot be purged until the replica has finished it."""
    file, _ = source.read_position()

    def is_purged() -> bool:
        execute_all(
            source, "SET GLOBAL slave_connections_needed_for_purge = 0", f"PURGE BINARY LOGS TO '{file}'"
        )
        return len(source.execute("SHOW BINARY LOGS")) == 1

    wait_until(is_purged)


def read_timestamps(server: DatabaseServer, first: GtidHistory, last: GtidHistory) -> dict[str, int]:
    with closing(connect_socket(server.socket, "root", 10)) as connection:
        return read_excerpt(connection, first, last).timestamps


@pytest.mark.patient
@pytest.mark.every_server
@pytest.mark.parametrize("format_", ["ROW", "MIXED", "STATEMENT"])
def test_every_kind_of_transaction_has_the_same_time_in_both_logs(
    source: DatabaseServer, replica_server: DatabaseServer, replica: Database, format_: str
) -> None:
    execute_all(source, *TABLES)
    start_replication(replica, source)
    first = wait_for_replica(source, replica).newest_gtids

    execute_all(source, f"SET SESSION binlog_format = {format_}", *KINDS)
    last = wait_for_replica(source, replica)

    replica_timestamps, source_timestamps = (
        read_timestamps(replica_server, first, last),
        read_timestamps(source, first, last),
    )
    assert len(replica_timestamps) > 15
    assert replica_timestamps == {
        gtid: timestamp for gtid, timestamp in source_timestamps.items() if gtid in replica_timestamps
    }


def test_a_purged_log_can_never_be_compared(
    source: DatabaseServer, replica_server: DatabaseServer, replica: Database
) -> None:
    execute_all(source, *TABLES)
    start_replication(replica, source)
    known = wait_for_replica(source, replica)
    execute_all(
        source, "FLUSH BINARY LOGS", "CREATE DATABASE more", "FLUSH BINARY LOGS", "CREATE DATABASE evenmore"
    )
    last = wait_for_replica(source, replica)
    purge_logs(source)
    source_login = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)

    result = BinlogComparison(replica_server.socket, 10).compare(
        source_login, None, known.newest_gtids, last, None
    )

    with pytest.raises(DatabaseRefused):
        read_timestamps(source, known.newest_gtids, last)
    assert (result.conflicting_gtid, result.incomplete_reason) == ("", "")
    assert "the source: " in result.failure_reason


def test_an_unreachable_source_is_compared_later(
    source: DatabaseServer, replica_server: DatabaseServer, replica: Database
) -> None:
    execute_all(source, *TABLES)
    start_replication(replica, source)
    known = wait_for_replica(source, replica)
    unreachable_source = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), 9)

    result = BinlogComparison(replica_server.socket, 10).compare(
        unreachable_source, None, known.newest_gtids, known, None
    )

    assert "the source: " in result.incomplete_reason


def test_long_logs_are_compared_in_several_comparisons(
    source: DatabaseServer, replica_server: DatabaseServer, replica: Database
) -> None:
    execute_all(source, *TABLES)
    start_replication(replica, source)
    known = wait_for_replica(source, replica).newest_gtids
    execute_all(source, *(["INSERT INTO d.t (v) VALUES ('x')"] * 12), "DROP TABLE d.m")
    last = wait_for_replica(source, replica)
    source_login = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)
    comparison = BinlogComparison(replica_server.socket, 10, limit=4)

    rounds: list[ComparisonResult] = []
    common_history = known.parse()
    while not rounds or rounds[-1].incomplete_reason:
        rounds.append(comparison.compare(source_login, None, known, last, common_history))
        common_history = common_history.parse(str(common_history), str(rounds[-1].common_history or ""))

    assert len(rounds) == 4, "the newest known one and thirteen more, four at a time"
    assert (rounds[-1].conflicting_gtid, rounds[-1].failure_reason) == ("", "")
    assert not last.newest_gtids.format_difference(common_history)


def test_equal_logs_agree_and_a_reset_log_conflicts(
    source: DatabaseServer, replica_server: DatabaseServer, replica: Database
) -> None:
    execute_all(source, *TABLES, *SLOW)
    start_replication(replica, source)
    known = wait_for_replica(source, replica)
    comparison = BinlogComparison(replica_server.socket, 10)
    source_login = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)

    equal_result = comparison.compare(source_login, None, known.newest_gtids, known, None)
    reset = "RESET MASTER" if source.flavour.family == "mariadb" else "RESET BINARY LOGS AND GTIDS"
    execute_all(source, "DROP TABLE d.m", reset, *(["INSERT INTO d.t (v) VALUES ('again')"] * 40))
    conflicting_result = comparison.compare(source_login, None, known.newest_gtids, known, None)
    unreachable_source = Source("127.0.0.1", User("nobody", PASSWORD), source.port)
    rejected_result = comparison.compare(unreachable_source, None, known, known, None)

    assert (equal_result.conflicting_gtid, equal_result.incomplete_reason, equal_result.failure_reason) == (
        "",
        "",
        "",
    )
    assert conflicting_result.conflicting_gtid == str(known.newest_gtids)
    assert "nobody" in rejected_result.incomplete_reason
