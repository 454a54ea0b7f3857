"""Server ids, server UUIDs and binary logs: mistakes here could lose data."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator

from tests.failures.row import FailureArea, expect_final, expect_late
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("server identity and binary logs")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(expect_final("server id", "which is the source's too"), quick=True)
def a_server_id_equal_to_the_source_s(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(ServerId=71))


@area.row(mariadb=expect_final("server id", "72, under which the source has 0-72-"), heals=False)
def a_server_id_that_the_source_s_history_contains(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute("SET SESSION server_id = 72", "CREATE DATABASE d")
    pair.source.server.execute("CREATE DATABASE later")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mysql=expect_late("history", "this replica's own server id, 72"))
def a_row_that_the_source_wrote_under_the_replica_s_server_id(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute("SET GLOBAL server_id = 72")
    pair.insert_rows(4)
    pair.source.server.execute("SET GLOBAL server_id = 71")
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=6))
    assert pair.apply_on_replica(ServerId=73).is_ready
    pair.compare_rows()


@area.row(
    mariadb=expect_final("skipped changes", "server id 72, under which the source has 0-72-"), heals=False
)
def a_server_id_changed_after_the_channel_skipped_a_row(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(
        "SET SESSION server_id = 72", "INSERT INTO d.t VALUES (10, 'skipped')"
    )
    pair.insert_rows(11)
    assert pair.replica.apply(pair.build_replica_document()).worst_condition == "server id"
    yield pair.replica.apply(pair.build_replica_document(ServerId=73))


@area.row(mariadb=expect_final("history", "the source has another transaction under 0-71-"), heals=False)
def a_row_written_on_the_replica_under_the_source_s_server_id(pair: Pair) -> ScenarioAnswers:
    statements = (pair.build_channel_statement("STOP"), "SET SESSION server_id = 71")
    pair.prepare().replica.server.execute(*statements, "INSERT INTO d.t VALUES (999, 'errant')")
    time.sleep(1.1)  # MariaDB's transactions have a timestamp in seconds
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=10))


@area.row(mysql=expect_final("server uuid", ""), heals=False)
def a_server_uuid_equal_to_the_source_s(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.prepare_source()
    pair.replica.server.stop()
    shutil.copy(pair.source.server.folder / "data/auto.cnf", pair.replica.server.folder / "data/auto.cnf")
    pair.replica.server.start()
    yield pair.replica.apply(pair.build_replica_document())


@area.row(expect_final("binary log", "off"), heals=False)
def a_source_without_a_binary_log(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.restart_server(pair.source, "skip-log-bin")
    yield pair.source.apply(pair.build_source_document())


@area.row(expect_final("source", "binary log is off"), heals=False)
def a_replica_of_a_source_without_a_binary_log(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.prepare_source()
    pair.restart_server(pair.source, "skip-log-bin")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(expect_final("binary log", "off"), heals=False)
def a_replica_without_a_binary_log(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.prepare_source()
    pair.restart_server(pair.replica, "skip-log-bin")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mysql=expect_final("GTID", "off"), heals=False)
def a_source_without_gtids(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.restart_server(pair.source, "gtid-mode=OFF", "enforce-gtid-consistency=OFF")
    yield pair.source.apply(pair.build_source_document())


@area.row(expect_final("receiver", "no longer has the binary logs"), heals=False)
def purged_binary_logs(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(
        "CREATE DATABASE d", "FLUSH BINARY LOGS", "CREATE TABLE d.t (id INT)", "FLUSH BINARY LOGS"
    )
    last_log = pair.source.server.read_position()[0]
    pair.source.server.execute(f"PURGE BINARY LOGS TO '{last_log}'")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
