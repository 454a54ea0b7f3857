"""One GTID has one time in the binary logs of source and replica, however the transaction was made."""

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
from tests.support.replication import PASSWORD, REPLICATOR, start_replication, wait_until

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


def say_all(server: DatabaseServer, *statements: str) -> None:
    """Send the statements in one session; one that this server rejects makes no transaction."""
    with closing(server._connected()) as connection, connection.cursor() as cursor:
        for statement in statements:
            try:
                cursor.execute(statement)
                cursor.fetchall()
            except pymysql.MySQLError:
                continue


def caught_up(source: DatabaseServer, replica: Database) -> GtidHistory:
    """Wait until the replica has applied all of the source; return the history."""
    with closing(source.open()) as at_source:
        history = at_source.observe().history
    wait_until(lambda: not history.format_difference(replica.observe().history))
    return history


def purge(source: DatabaseServer) -> None:
    """Leave the newest log alone; one that a replica is at is not purged until it has gone on."""
    file, _ = source.read_position()

    def is_purged() -> bool:
        say_all(source, "SET GLOBAL slave_connections_needed_for_purge = 0", f"PURGE BINARY LOGS TO '{file}'")
        return len(source.execute("SHOW BINARY LOGS")) == 1

    wait_until(is_purged)


def stamps_of(server: DatabaseServer, first: GtidHistory, last: GtidHistory) -> dict[str, int]:
    with closing(connect_socket(server.socket, "root", 10)) as connection:
        return read_excerpt(connection, first, last).timestamps


@pytest.mark.patient
@pytest.mark.every_server
@pytest.mark.parametrize("format_", ["ROW", "MIXED", "STATEMENT"])
def test_every_kind_of_transaction_has_one_time_in_both_logs(
    source: DatabaseServer, second: DatabaseServer, replica: Database, format_: str
) -> None:
    say_all(source, *TABLES)
    start_replication(replica, source)
    first = caught_up(source, replica).newest_gtids

    say_all(source, f"SET SESSION binlog_format = {format_}", *KINDS)
    last = caught_up(source, replica)

    ours, theirs = stamps_of(second, first, last), stamps_of(source, first, last)
    assert len(ours) > 15
    assert ours == {gtid: made for gtid, made in theirs.items() if gtid in ours}


def test_a_log_that_was_purged_can_never_be_compared(
    source: DatabaseServer, second: DatabaseServer, replica: Database
) -> None:
    say_all(source, *TABLES)
    start_replication(replica, source)
    known = caught_up(source, replica)
    say_all(
        source, "FLUSH BINARY LOGS", "CREATE DATABASE more", "FLUSH BINARY LOGS", "CREATE DATABASE evenmore"
    )
    last = caught_up(source, replica)
    purge(source)
    here = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)

    compared = BinlogComparison(second.socket, 10).compare(here, None, known.newest_gtids, last, None)

    with pytest.raises(DatabaseRefused):
        stamps_of(source, known.newest_gtids, last)
    assert (compared.conflicting_gtid, compared.incomplete_reason) == ("", "")
    assert "the source: " in compared.failure_reason


def test_a_source_that_does_not_answer_is_asked_again(
    source: DatabaseServer, second: DatabaseServer, replica: Database
) -> None:
    say_all(source, *TABLES)
    start_replication(replica, source)
    known = caught_up(source, replica)
    nobody = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), 9)

    compared = BinlogComparison(second.socket, 10).compare(nobody, None, known.newest_gtids, known, None)

    assert "the source: " in compared.incomplete_reason


def test_logs_longer_than_one_comparison_are_compared_in_several(
    source: DatabaseServer, second: DatabaseServer, replica: Database
) -> None:
    say_all(source, *TABLES)
    start_replication(replica, source)
    known = caught_up(source, replica).newest_gtids
    say_all(source, *(["INSERT INTO d.t (v) VALUES ('x')"] * 12), "DROP TABLE d.m")
    last = caught_up(source, replica)
    here = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)
    comparison = BinlogComparison(second.socket, 10, limit=4)

    rounds: list[ComparisonResult] = []
    equal = known.parse()
    while not rounds or rounds[-1].incomplete_reason:
        rounds.append(comparison.compare(here, None, known, last, equal))
        equal = equal.parse(str(equal), str(rounds[-1].common_history or ""))

    assert len(rounds) == 4, "the newest known one and thirteen more, four at a time"
    assert (rounds[-1].conflicting_gtid, rounds[-1].failure_reason) == ("", "")
    assert not last.newest_gtids.format_difference(equal)


def test_the_same_log_is_the_same_and_one_that_began_anew_is_not(
    source: DatabaseServer, second: DatabaseServer, replica: Database
) -> None:
    say_all(source, *TABLES, *SLOW)
    start_replication(replica, source)
    known = caught_up(source, replica)
    comparison = BinlogComparison(second.socket, 10)
    here = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)

    same = comparison.compare(here, None, known.newest_gtids, known, None)
    reset = "RESET MASTER" if source.flavour.family == "mariadb" else "RESET BINARY LOGS AND GTIDS"
    say_all(source, "DROP TABLE d.m", reset, *(["INSERT INTO d.t (v) VALUES ('again')"] * 40))
    other = comparison.compare(here, None, known.newest_gtids, known, None)
    nobody = Source("127.0.0.1", User("nobody", PASSWORD), source.port)
    rejected = comparison.compare(nobody, None, known, known, None)

    assert (same.conflicting_gtid, same.incomplete_reason, same.failure_reason) == ("", "", "")
    assert other.conflicting_gtid == str(known.newest_gtids)
    assert "nobody" in rejected.incomplete_reason
