"""GTID histories of a source and a replica that differ."""

from __future__ import annotations

import time
from collections.abc import Generator

from tests.failures.older_copy import restore_older_copy
from tests.failures.row import READY, FailureArea, expect_final
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("diverged histories")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(expect_final("history", "errant"), heals=False, quick=True)
def an_errant_transaction_while_the_source_is_idle(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    allow_writes, _ = pair.write_access_statements
    pair.replica.server.execute(allow_writes, "INSERT INTO d.t VALUES (77, 'only on the replica')")
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT v FROM d.t WHERE id = 77)") == "only on the replica"


@area.row(expect_final("history", "errant"), heals=False)
def a_rebuilt_source(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.reset()
    pair.source.apply(pair.build_source_document())
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


@area.row(expect_final("history", "diverged from the source"), heals=False)
def a_source_restored_from_an_older_copy_that_wrote_rows(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    with restore_older_copy(pair):
        pair.insert_rows(4, 5, 6)
        assert pair.apply_on_replica().is_ready
    assert pair.replica.apply(pair.build_replica_document()).is_final
    pair.insert_rows(*range(20, 50))
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "6"


@area.row(expect_final("history", "diverged from the source"), heals=False)
def an_empty_source_at_the_same_address_that_wrote_rows(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.reset()
    pair.source.apply(pair.build_source_document())
    assert pair.replica.apply(pair.build_replica_document()).is_final
    pair.source.server.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)")
    pair.insert_rows(*range(20, 50))
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


@area.row(expect_final("history", "diverged from the source"), heals=False)
def a_source_restored_from_an_older_copy_that_wrote_rows_before_the_next_pass(
    pair: Pair,
) -> ScenarioAnswers:
    pair.prepare()
    with restore_older_copy(pair):
        pair.insert_rows(4, 5, 6)
        pair.compare_rows()
        pair.replica.server.execute(pair.build_channel_statement("STOP"))
    pair.source.apply(pair.build_source_document())
    pair.insert_rows(*range(20, 50))
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "6"


@area.row(expect_final("history", "diverged from the source"), heals=False, quick=True)
def a_reset_source_that_wrote_rows_before_the_next_pass(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    reset = pair.choose_statement(mariadb="RESET MASTER", mysql="RESET BINARY LOGS AND GTIDS")
    insert = "INSERT INTO d.t VALUES ({}, 'again')"
    time.sleep(1.1)  # MariaDB's binary log has timestamps in seconds
    pair.source.server.execute(reset, *(insert.format(number) for number in range(20, 50)))
    time.sleep(2)  # the channel of a MariaDB reconnects meanwhile
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb118=expect_final("history", "the source has another transaction under 0-71-"), heals=False)
def a_reset_source_whose_reset_counter_was_cleared(pair: Pair) -> ScenarioAnswers:
    clear_counter = ("SET SESSION sql_log_bin = 0", "FLUSH GLOBAL STATUS")
    pair.source.server.execute(*clear_counter)
    time.sleep(4)  # the agent distinguishes two starts of a source only if they are this far apart
    pair.prepare().replica.server.execute(pair.build_channel_statement("STOP"))
    time.sleep(1.1)  # MariaDB's transactions have a timestamp in seconds
    pair.source.server.execute("RESET MASTER")
    pair.insert_rows(*range(100, 120))
    pair.source.server.execute(*clear_counter)
    yield pair.replica.apply(pair.build_replica_document())


@area.row(READY)
def a_restarted_source_that_wrote_rows(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.restart_server(pair.source)
    pair.prepare_source()
    pair.insert_rows(*range(20, 50))
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_restarted_source_that_purged_the_logs_to_compare(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.restart_server(pair.source)
    pair.prepare_source()
    pair.insert_rows(*range(20, 25))
    pair.compare_rows()
    purge_older_logs(pair)
    for _ in range(2):
        answer = pair.replica.apply(pair.build_replica_document(Deadline=20))
        assert "cannot be compared (the source: reading the binary log" in str(answer.answer["conditions"])
    yield answer


def purge_older_logs(pair: Pair) -> None:
    """Purge all but the newest log. The source keeps a log that the replica still reads."""
    source = pair.source.server
    deadline = time.monotonic() + 20
    while len(logs := source.execute("SHOW BINARY LOGS")) > 1:
        assert time.monotonic() < deadline, "the source keeps its older logs"
        source.execute(f"PURGE BINARY LOGS TO '{logs[-1]['Log_name']}'")
        time.sleep(0.1)


@area.row(expect_final("history", ""), heals=False)
def a_former_source_with_its_own_writes(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.replica.server.execute("CREATE DATABASE own", "CREATE TABLE own.t (id INT)")
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.execute("SHOW DATABASES LIKE 'own'")
