"""One GTID has one time in the binary logs of source and replica, however the transaction was made."""

from __future__ import annotations

from contextlib import closing

import pymysql
import pytest

from guestagent.database.connection import over_socket
from guestagent.database.edge import Database
from guestagent.database.gtid import History
from guestagent.database.log_comparison import ComparedLogs, LogComparison, read_excerpt
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Source, User
from tests.integration.database.following import PASSWORD, REPLICATOR, follow, until
from tests.integration.servers import Server

TABLES = (
    "CREATE DATABASE d",
    "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, v TEXT) ENGINE=InnoDB",
    "CREATE TABLE d.m (id INT) ENGINE=MyISAM",
)
SLOW = ("BEGIN", "INSERT INTO d.t (v) VALUES ('a')", "DO SLEEP(1.1)", "INSERT INTO d.t (v) VALUES ('b')", "COMMIT")
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


def say_all(server: Server, *statements: str) -> None:
    """Send the statements in one session; one that this server rejects makes no transaction."""
    with closing(server._connected()) as connection, connection.cursor() as cursor:
        for statement in statements:
            try:
                cursor.execute(statement)
                cursor.fetchall()
            except pymysql.MySQLError:
                continue


def caught_up(source: Server, replica: Database) -> History:
    """Wait until the replica has applied all of the source; return the history."""
    with closing(source.open()) as at_source:
        history = at_source.observe().history
    until(lambda: not history.beyond(replica.observe().history))
    return history


def purge(source: Server) -> None:
    """Leave the newest log alone; one that a replica is at is not purged until it has gone on."""
    file, _ = source.position()

    def is_purged() -> bool:
        say_all(source, "SET GLOBAL slave_connections_needed_for_purge = 0", f"PURGE BINARY LOGS TO '{file}'")
        return len(source.ask("SHOW BINARY LOGS")) == 1

    until(is_purged)


def stamps_of(server: Server, first: History, last: History) -> dict[str, int]:
    with closing(over_socket(server.socket, "root", 10)) as connection:
        return read_excerpt(connection, first, last).stamps


@pytest.mark.patient
@pytest.mark.every_server
@pytest.mark.parametrize("format_", ["ROW", "MIXED", "STATEMENT"])
def test_every_kind_of_transaction_has_one_time_in_both_logs(
    source: Server, second: Server, replica: Database, format_: str
) -> None:
    say_all(source, *TABLES)
    follow(replica, source)
    first = caught_up(source, replica).newest

    say_all(source, f"SET SESSION binlog_format = {format_}", *KINDS)
    last = caught_up(source, replica)

    ours, theirs = stamps_of(second, first, last), stamps_of(source, first, last)
    assert len(ours) > 15
    assert ours == {gtid: made for gtid, made in theirs.items() if gtid in ours}


def test_a_log_that_was_purged_can_never_be_compared(source: Server, second: Server, replica: Database) -> None:
    say_all(source, *TABLES)
    follow(replica, source)
    known = caught_up(source, replica)
    say_all(source, "FLUSH BINARY LOGS", "CREATE DATABASE more", "FLUSH BINARY LOGS", "CREATE DATABASE evenmore")
    last = caught_up(source, replica)
    purge(source)
    here = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)

    compared = LogComparison(second.socket, 10).compare(here, None, known.newest, last, None)

    with pytest.raises(DatabaseRefused):
        stamps_of(source, known.newest, last)
    assert (compared.replaced, compared.unread) == ("", "")
    assert "the source: " in compared.impossible


def test_a_source_that_does_not_answer_is_asked_again(source: Server, second: Server, replica: Database) -> None:
    say_all(source, *TABLES)
    follow(replica, source)
    known = caught_up(source, replica)
    nobody = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), 9)

    compared = LogComparison(second.socket, 10).compare(nobody, None, known.newest, known, None)

    assert "the source: " in compared.unread


def test_logs_longer_than_one_comparison_are_compared_in_several(
    source: Server, second: Server, replica: Database
) -> None:
    say_all(source, *TABLES)
    follow(replica, source)
    known = caught_up(source, replica).newest
    say_all(source, *(["INSERT INTO d.t (v) VALUES ('x')"] * 12), "DROP TABLE d.m")
    last = caught_up(source, replica)
    here = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)
    comparison = LogComparison(second.socket, 10, limit=4)

    rounds: list[ComparedLogs] = []
    equal = known.of()
    while not rounds or rounds[-1].unread:
        rounds.append(comparison.compare(here, None, known, last, equal))
        equal = equal.of(str(equal), str(rounds[-1].equal or ""))

    assert len(rounds) == 4, "the newest known one and thirteen more, four at a time"
    assert (rounds[-1].replaced, rounds[-1].impossible) == ("", "")
    assert not last.newest.beyond(equal)


def test_the_same_log_is_the_same_and_one_that_began_anew_is_not(
    source: Server, second: Server, replica: Database
) -> None:
    say_all(source, *TABLES, *SLOW)
    follow(replica, source)
    known = caught_up(source, replica)
    comparison = LogComparison(second.socket, 10)
    here = Source("127.0.0.1", User(REPLICATOR.name, PASSWORD), source.port)

    same = comparison.compare(here, None, known.newest, known, None)
    reset = "RESET MASTER" if source.flavour.family == "mariadb" else "RESET BINARY LOGS AND GTIDS"
    say_all(source, "DROP TABLE d.m", reset, *(["INSERT INTO d.t (v) VALUES ('again')"] * 40))
    other = comparison.compare(here, None, known.newest, known, None)
    nobody = Source("127.0.0.1", User("nobody", PASSWORD), source.port)
    rejected = comparison.compare(nobody, None, known, known, None)

    assert (same.replaced, same.unread, same.impossible) == ("", "", "")
    assert other.replaced == str(known.newest)
    assert "nobody" in rejected.unread
