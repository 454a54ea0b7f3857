"""Who the servers are, and whether their histories go together: where data could be lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from tests.failures.row import READY, FailureArea, expect_final
from tests.failures.server_pair import USER, ApplyAnswer, Pair

area = FailureArea("identity and history")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(expect_final("server id", "which is the source's too"), quick=True)
def a_server_id_that_the_source_has(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(ServerId=71))


@area.row(mariadb=expect_final("server id", "72, under which the source has 0-72-"), heals=False)
def a_server_id_under_which_the_source_has_written(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute("SET SESSION server_id = 72", "CREATE DATABASE d")
    pair.source.server.execute("CREATE DATABASE later")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(
    mariadb=expect_final("skipped changes", "server id 72, under which the source has 0-72-"), heals=False
)
def a_server_id_that_was_changed_after_the_channel_had_left_out_a_row(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(
        "SET SESSION server_id = 72", "INSERT INTO d.t VALUES (10, 'lacking')"
    )
    pair.insert_rows(11)
    assert pair.replica.apply(pair.build_replica_document()).worst_condition == "server id"
    yield pair.replica.apply(pair.build_replica_document(ServerId=73))


@area.row(mariadb=expect_final("history", "the source has another transaction under 0-71-"), heals=False)
def a_row_that_was_written_on_the_replica_under_the_source_s_server_id(pair: Pair) -> ScenarioAnswers:
    stop = (pair.build_channel_statement("STOP"), "SET SESSION server_id = 71")
    pair.prepare().replica.server.execute(*stop, "INSERT INTO d.t VALUES (999, 'errant')")
    time.sleep(1.1)  # a MariaDB stamps its transactions in seconds
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=10))


@area.row(mysql=expect_final("server uuid", ""), heals=False)
def a_server_uuid_that_the_source_has(pair: Pair) -> ScenarioAnswers:
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
def a_source_that_does_not_count_by_gtid(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.restart_server(pair.source, "gtid-mode=OFF", "enforce-gtid-consistency=OFF")
    yield pair.source.apply(pair.build_source_document())


@area.row(expect_final("receiver", "no longer has the binary logs"), heals=False)
def binary_logs_that_were_purged(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(
        "CREATE DATABASE d", "FLUSH BINARY LOGS", "CREATE TABLE d.t (id INT)", "FLUSH BINARY LOGS"
    )
    last = pair.source.server.read_position()[0]
    pair.source.server.execute(f"PURGE BINARY LOGS TO '{last}'")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(expect_final("history", "errant"), heals=False, quick=True)
def an_errant_transaction_while_the_source_is_idle(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    lifted, _ = pair.write_access_statements
    pair.replica.server.execute(lifted, "INSERT INTO d.t VALUES (77, 'nobody else has it')")
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT v FROM d.t WHERE id = 77)") == "nobody else has it"


@area.row(expect_final("history", "errant"), heals=False)
def a_source_that_was_rebuilt(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.reset()
    pair.source.apply(pair.build_source_document())
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


@area.row(expect_final("history", "diverged from the source"), heals=False)
def a_source_that_came_back_as_an_older_copy_and_wrote_on(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    with restore_older_copy(pair):
        pair.insert_rows(4, 5, 6)
        assert pair.apply_on_replica().is_ready
    assert pair.replica.apply(pair.build_replica_document()).is_final
    pair.insert_rows(*range(20, 50))
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "6"


@area.row(expect_final("history", "diverged from the source"), heals=False)
def a_source_that_came_back_empty_at_its_address_and_wrote_on(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.reset()
    pair.source.apply(pair.build_source_document())
    assert pair.replica.apply(pair.build_replica_document()).is_final
    pair.source.server.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)")
    pair.insert_rows(*range(20, 50))
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


@area.row(expect_final("history", "diverged from the source"), heals=False)
def a_source_that_came_back_as_an_older_copy_and_wrote_on_before_anybody_looked(
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
def a_source_that_was_reset_and_wrote_on_before_anybody_looked(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    forget = pair.choose_statement(mariadb="RESET MASTER", mysql="RESET BINARY LOGS AND GTIDS")
    again = "INSERT INTO d.t VALUES ({}, 'again')"
    time.sleep(1.1)  # MariaDB's log counts whole seconds
    pair.source.server.execute(forget, *(again.format(number) for number in range(20, 50)))
    time.sleep(2)  # a MariaDB's channel goes on by itself
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb118=expect_final("history", "the source has another transaction under 0-71-"), heals=False)
def a_source_whose_count_of_resets_was_reset_too(pair: Pair) -> ScenarioAnswers:
    forget = ("SET SESSION sql_log_bin = 0", "FLUSH GLOBAL STATUS")
    pair.source.server.execute(*forget)
    time.sleep(4)  # so far apart two lives of a source are told apart
    pair.prepare().replica.server.execute(pair.build_channel_statement("STOP"))
    time.sleep(1.1)  # a MariaDB stamps its transactions in seconds
    pair.source.server.execute("RESET MASTER")
    pair.insert_rows(*range(100, 120))
    pair.source.server.execute(*forget)
    yield pair.replica.apply(pair.build_replica_document())


@area.row(READY)
def a_source_that_was_restarted_and_wrote_on(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.restart_server(pair.source)
    pair.prepare_source()
    pair.insert_rows(*range(20, 50))
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_restarted_source_that_has_purged_what_was_to_be_compared(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.restart_server(pair.source)
    pair.prepare_source()
    pair.insert_rows(*range(20, 25))
    pair.compare_rows()
    purge_older_logs(pair)
    told = pair.replica.apply(pair.build_replica_document(Deadline=20))
    assert "cannot be compared (the source: reading the binary log" in str(told.answer["conditions"])
    yield told


def purge_older_logs(pair: Pair) -> None:
    """Leave the source its newest log alone. One that the replica has not passed yet is not purged."""
    source = pair.source.server
    deadline = time.monotonic() + 20
    while len(logs := source.execute("SHOW BINARY LOGS")) > 1:
        assert time.monotonic() < deadline, "the source keeps its older logs"
        source.execute(f"PURGE BINARY LOGS TO '{logs[-1]['Log_name']}'")
        time.sleep(0.1)


@contextmanager
def restore_older_copy(pair: Pair) -> Iterator[None]:
    """Put the source's data back, at the end, as they were at the beginning."""
    data, copy = pair.source.server.folder / "data", pair.source.server.folder / "copy"
    pair.source.server.stop()
    shutil.copytree(data, copy)
    pair.source.server.start()
    assert pair.source.apply(pair.build_source_document()).is_ready
    yield
    pair.source.server.stop()
    shutil.rmtree(data)
    copy.rename(data)
    pair.source.server.start()


@area.row(expect_final("data", "schemas or accounts without a history"), heals=False)
def data_without_a_history(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.execute_unlogged("CREATE DATABASE found", "CREATE TABLE found.t (id INT)")
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.execute("SHOW DATABASES LIKE 'found'")


UNLOGGED = expect_final("data", "a log that lacks the beginning of")


@area.row(UNLOGGED, heals=False, quick=True)
def a_source_whose_data_was_loaded_past_its_log(pair: Pair) -> ScenarioAnswers:
    pair.source.server.execute(
        "SET SESSION sql_log_bin = 0",
        "CREATE DATABASE d",
        "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)",
    )
    yield pair.source.apply(pair.build_source_document())


@area.row(UNLOGGED, heals=False)
def a_source_in_use_whose_data_was_loaded_past_its_log(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(
        "SET SESSION sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT, v INT)"
    )
    pair.source.server.execute("INSERT INTO d.t VALUES (1, 1)")
    yield pair.source.apply(pair.build_source_document())


@area.row(UNLOGGED, heals=False)
def a_source_whose_log_was_reset_after_it_was_loaded(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)")
    pair.insert_rows(1)
    pair.source.server.execute(
        pair.choose_statement(mariadb="RESET MASTER", mysql="RESET BINARY LOGS AND GTIDS")
    )
    pair.insert_rows(2)
    yield pair.source.apply(pair.build_source_document())


def _load_dump_with_position(pair: Pair) -> None:
    """As a dump is loaded that brings its own position along."""
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
def a_source_that_has_its_position_from_a_dump(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    _load_dump_with_position(pair)
    yield pair.source.apply(pair.build_source_document())


@area.row(
    mariadb=expect_final("source", "a log without 0-5-9"),
    mysql=expect_final("receiver", "no longer has the binary logs"),
    heals=False,
)
def a_fresh_replica_of_a_source_that_has_its_position_from_a_dump(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    _load_dump_with_position(pair)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(expect_final("history", ""), heals=False)
def a_former_source_with_writes_of_its_own(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.replica.server.execute("CREATE DATABASE own", "CREATE TABLE own.t (id INT)")
    yield pair.replica.apply(pair.build_replica_document())
    assert pair.replica.server.execute("SHOW DATABASES LIKE 'own'")


@area.row(expect_final(f"account {USER}@%", "a different account of somebody else"), heals=False)
def an_account_of_somebody_else_in_the_place_of_ours(pair: Pair) -> ScenarioAnswers:
    pair.source.server.execute(f"CREATE USER {USER}@'%' IDENTIFIED BY 'made by hand'")
    yield pair.source.apply(pair.build_source_document())
