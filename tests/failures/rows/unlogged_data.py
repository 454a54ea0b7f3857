"""Data that no binary log contains."""

from __future__ import annotations

from collections.abc import Generator

from tests.failures.row import FailureArea, expect_final
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("data outside the binary log")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(expect_final("data", "schemas or accounts without a history"), heals=False)
def data_without_a_gtid_history(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.execute_unlogged("CREATE DATABASE found", "CREATE TABLE found.t (id INT)")
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.execute("SHOW DATABASES LIKE 'found'")


INCOMPLETE_LOG = expect_final("data", "a log that lacks the beginning of")


@area.row(INCOMPLETE_LOG, heals=False, quick=True)
def a_source_with_data_loaded_without_binary_logging(pair: Pair) -> ScenarioAnswers:
    pair.source.server.execute(
        "SET SESSION sql_log_bin = 0",
        "CREATE DATABASE d",
        "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)",
    )
    yield pair.source.apply(pair.build_source_document())


@area.row(INCOMPLETE_LOG, heals=False)
def a_source_in_use_with_data_loaded_without_binary_logging(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(
        "SET SESSION sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT, v INT)"
    )
    pair.source.server.execute("INSERT INTO d.t VALUES (1, 1)")
    yield pair.source.apply(pair.build_source_document())


@area.row(INCOMPLETE_LOG, heals=False)
def a_source_whose_binary_log_was_reset_after_data_was_loaded(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)")
    pair.insert_rows(1)
    pair.source.server.execute(
        pair.choose_statement(mariadb="RESET MASTER", mysql="RESET BINARY LOGS AND GTIDS")
    )
    pair.insert_rows(2)
    yield pair.source.apply(pair.build_source_document())


def _load_dump_with_position(pair: Pair) -> None:
    """Load data as a dump does that sets the GTID position."""
    server = pair.source.server
    server.execute(
        "SET SESSION sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT)"
    )
    gtid = "11111111-71ca-11e1-9e33-c80aa9429562:1-9"
    server.execute(
        pair.choose_statement(
            mariadb="SET GLOBAL gtid_slave_pos = '0-5-9'", mysql=f"SET GLOBAL gtid_purged = '+{gtid}'"
        )
    )


@area.row(mariadb=expect_final("data", "0-5-9"), heals=False)
def a_source_with_a_gtid_position_from_a_dump(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    _load_dump_with_position(pair)
    yield pair.source.apply(pair.build_source_document())


@area.row(
    mariadb=expect_final("source", "a log without 0-5-9"),
    mysql=expect_final("receiver", "no longer has the binary logs"),
    heals=False,
)
def a_new_replica_of_a_source_with_a_gtid_position_from_a_dump(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    _load_dump_with_position(pair)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
