"""Server ids, binary logs and GTID histories: mistakes here could lose data."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator

from tests.failures.older_copy import restore_older_copy
from tests.failures.row import READY, FailureArea, expect_final, expect_late
from tests.failures.server_pair import USER, ApplyAnswer, Pair

area = FailureArea("identity and history")
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


@area.row(expect_final("history", ""), heals=False)
def a_former_source_with_its_own_writes(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.replica.server.execute("CREATE DATABASE own", "CREATE TABLE own.t (id INT)")
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.execute("SHOW DATABASES LIKE 'own'")


@area.row(
    expect_final(f"account {USER}@%", "an account of this name that the agent did not create"), heals=False
)
def a_foreign_account_with_the_name_of_the_replication_user(pair: Pair) -> ScenarioAnswers:
    pair.source.server.execute(f"CREATE USER {USER}@'%' IDENTIFIED BY 'made by hand'")
    yield pair.source.apply(pair.build_source_document())
