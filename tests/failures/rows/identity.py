"""Who the servers are, and whether their histories go together: where data could be lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from tests.failures.pair import USER, Pair, Told
from tests.failures.row import READY, Area, final

area = Area("identity and history")
Telling = Generator[Told, None, None]


@area.row(final("server id", "which is the source's too"), quick=True)
def a_server_id_that_the_source_has(pair: Pair) -> Telling:
    pair.with_source()
    yield pair.replica.apply(pair.replica_document(ServerId=71))


@area.row(mariadb=final("server id", "72, under which the source has 0-72-"), heals=False)
def a_server_id_under_which_the_source_has_written(pair: Pair) -> Telling:
    pair.with_source()
    pair.source.server.ask("SET SESSION server_id = 72", "CREATE DATABASE d")
    pair.source.server.ask("CREATE DATABASE later")
    yield pair.replica.apply(pair.replica_document())


@area.row(mariadb=final("skipped changes", "server id 72, under which the source has 0-72-"), heals=False)
def a_server_id_that_was_changed_after_the_channel_had_left_out_a_row(pair: Pair) -> Telling:
    pair.ready().source.server.ask("SET SESSION server_id = 72", "INSERT INTO d.t VALUES (10, 'lacking')")
    pair.write(11)
    assert pair.replica.apply(pair.replica_document()).worst == "server id"
    yield pair.replica.apply(pair.replica_document(ServerId=73))


@area.row(mariadb=final("history", "the source has another transaction under 0-71-"), heals=False)
def a_row_that_was_written_on_the_replica_under_the_source_s_server_id(pair: Pair) -> Telling:
    stop = (pair.channel("STOP"), "SET SESSION server_id = 71")
    pair.ready().replica.server.ask(*stop, "INSERT INTO d.t VALUES (999, 'errant')")
    time.sleep(1.1)  # a MariaDB stamps its transactions in seconds
    pair.write(4)
    yield pair.replica.apply(pair.replica_document(Deadline=10))


@area.row(mysql=final("server uuid", ""), heals=False)
def a_server_uuid_that_the_source_has(pair: Pair) -> Telling:
    pair.spoiled = True
    pair.with_source()
    pair.replica.server.stop()
    shutil.copy(pair.source.server.folder / "data/auto.cnf", pair.replica.server.folder / "data/auto.cnf")
    pair.replica.server.start()
    yield pair.replica.apply(pair.replica_document())


@area.row(final("binary log", "off"), heals=False)
def a_source_without_a_binary_log(pair: Pair) -> Telling:
    pair.spoiled = True
    pair.restarted(pair.source, "skip-log-bin")
    yield pair.source.apply(pair.source_document())


@area.row(final("source", "binary log is off"), heals=False)
def a_replica_of_a_source_without_a_binary_log(pair: Pair) -> Telling:
    pair.spoiled = True
    pair.with_source()
    pair.restarted(pair.source, "skip-log-bin")
    yield pair.replica.apply(pair.replica_document())


@area.row(final("binary log", "off"), heals=False)
def a_replica_without_a_binary_log(pair: Pair) -> Telling:
    pair.spoiled = True
    pair.with_source()
    pair.restarted(pair.replica, "skip-log-bin")
    yield pair.replica.apply(pair.replica_document())


@area.row(mysql=final("GTID", "off"), heals=False)
def a_source_that_does_not_count_by_gtid(pair: Pair) -> Telling:
    pair.spoiled = True
    pair.restarted(pair.source, "gtid-mode=OFF", "enforce-gtid-consistency=OFF")
    yield pair.source.apply(pair.source_document())


@area.row(final("receiver", "no longer has the binary logs"), heals=False)
def binary_logs_that_were_purged(pair: Pair) -> Telling:
    pair.with_source()
    pair.source.server.ask(
        "CREATE DATABASE d", "FLUSH BINARY LOGS", "CREATE TABLE d.t (id INT)", "FLUSH BINARY LOGS"
    )
    last = pair.source.server.position()[0]
    pair.source.server.ask(f"PURGE BINARY LOGS TO '{last}'")
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(final("history", "errant"), heals=False, quick=True)
def an_errant_transaction_while_the_source_is_idle(pair: Pair) -> Telling:
    pair.ready()
    lifted, _ = pair.unclosed
    pair.replica.server.ask(lifted, "INSERT INTO d.t VALUES (77, 'nobody else has it')")
    yield pair.replica.apply(pair.replica_document())
    assert pair.replica.server.value("(SELECT v FROM d.t WHERE id = 77)") == "nobody else has it"


@area.row(final("history", "errant"), heals=False)
def a_source_that_was_rebuilt(pair: Pair) -> Telling:
    pair.ready()
    pair.source.server.emptied()
    pair.source.apply(pair.source_document())
    yield pair.replica.apply(pair.replica_document())
    assert pair.replica.server.value("(SELECT COUNT(*) FROM d.t)") == "3"


@area.row(final("history", "parted from the source"), heals=False)
def a_source_that_came_back_as_an_older_copy_and_wrote_on(pair: Pair) -> Telling:
    pair.ready()
    with older_copy(pair):
        pair.write(4, 5, 6)
        assert pair.again().ready
    assert pair.replica.apply(pair.replica_document()).final
    pair.write(*range(20, 50))
    yield pair.replica.apply(pair.replica_document())
    assert pair.replica.server.value("(SELECT COUNT(*) FROM d.t)") == "6"


@area.row(final("history", "parted from the source"), heals=False)
def a_source_that_came_back_empty_at_its_address_and_wrote_on(pair: Pair) -> Telling:
    pair.ready()
    pair.source.server.emptied()
    pair.source.apply(pair.source_document())
    assert pair.replica.apply(pair.replica_document()).final
    pair.source.server.ask("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)")
    pair.write(*range(20, 50))
    yield pair.replica.apply(pair.replica_document())
    assert pair.replica.server.value("(SELECT COUNT(*) FROM d.t)") == "3"


@area.row(final("history", "parted from the source"), heals=False)
def a_source_that_came_back_as_an_older_copy_and_wrote_on_before_anybody_looked(pair: Pair) -> Telling:
    pair.ready()
    with older_copy(pair):
        pair.write(4, 5, 6)
        pair.holds()
        pair.replica.server.ask(pair.channel("STOP"))
    pair.source.apply(pair.source_document())
    pair.write(*range(20, 50))
    yield pair.replica.apply(pair.replica_document())
    assert pair.replica.server.value("(SELECT COUNT(*) FROM d.t)") == "6"


@area.row(final("history", "parted from the source"), heals=False, quick=True)
def a_source_that_was_reset_and_wrote_on_before_anybody_looked(pair: Pair) -> Telling:
    pair.ready()
    forget = pair.say(mariadb="RESET MASTER", mysql="RESET BINARY LOGS AND GTIDS")
    again = "INSERT INTO d.t VALUES ({}, 'again')"
    time.sleep(1.1)  # MariaDB's log counts whole seconds
    pair.source.server.ask(forget, *(again.format(number) for number in range(20, 50)))
    time.sleep(2)  # a MariaDB's channel goes on by itself
    yield pair.replica.apply(pair.replica_document())


@area.row(mariadb118=final("history", "the source has another transaction under 0-71-"), heals=False)
def a_source_whose_count_of_resets_was_reset_too(pair: Pair) -> Telling:
    forget = ("SET SESSION sql_log_bin = 0", "FLUSH GLOBAL STATUS")
    pair.source.server.ask(*forget)
    time.sleep(4)  # so far apart two lives of a source are told apart
    pair.ready().replica.server.ask(pair.channel("STOP"))
    time.sleep(1.1)  # a MariaDB stamps its transactions in seconds
    pair.source.server.ask("RESET MASTER")
    pair.write(*range(100, 120))
    pair.source.server.ask(*forget)
    yield pair.replica.apply(pair.replica_document())


@area.row(READY)
def a_source_that_was_restarted_and_wrote_on(pair: Pair) -> Telling:
    pair.ready()
    pair.restarted(pair.source)
    pair.with_source()
    pair.write(*range(20, 50))
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def a_restarted_source_that_has_purged_what_was_to_be_compared(pair: Pair) -> Telling:
    pair.ready()
    pair.restarted(pair.source)
    pair.with_source()
    pair.write(*range(20, 25))
    pair.holds()
    purge_older_logs(pair)
    told = pair.replica.apply(pair.replica_document(Deadline=20))
    assert "cannot be compared (the source: reading the binary log" in str(told.answer["conditions"])
    yield told


def purge_older_logs(pair: Pair) -> None:
    """Leave the source its newest log alone. One that the replica has not passed yet is not purged."""
    source = pair.source.server
    deadline = time.monotonic() + 20
    while len(logs := source.ask("SHOW BINARY LOGS")) > 1:
        assert time.monotonic() < deadline, "the source keeps its older logs"
        source.ask(f"PURGE BINARY LOGS TO '{logs[-1]['Log_name']}'")
        time.sleep(0.1)


@contextmanager
def older_copy(pair: Pair) -> Iterator[None]:
    """Put the source's data back, at the end, as they were at the beginning."""
    data, copy = pair.source.server.folder / "data", pair.source.server.folder / "copy"
    pair.source.server.stop()
    shutil.copytree(data, copy)
    pair.source.server.start()
    assert pair.source.apply(pair.source_document()).ready
    yield
    pair.source.server.stop()
    shutil.rmtree(data)
    copy.rename(data)
    pair.source.server.start()


@area.row(final("data", "schemas or accounts without a history"), heals=False)
def data_without_a_history(pair: Pair) -> Telling:
    pair.with_source()
    pair.unlogged("CREATE DATABASE found", "CREATE TABLE found.t (id INT)")
    yield pair.replica.apply(pair.replica_document())
    assert pair.replica.server.ask("SHOW DATABASES LIKE 'found'")


UNLOGGED = final("data", "a log that lacks the beginning of")


@area.row(UNLOGGED, heals=False, quick=True)
def a_source_whose_data_was_loaded_past_its_log(pair: Pair) -> Telling:
    pair.source.server.ask(
        "SET SESSION sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)"
    )
    yield pair.source.apply(pair.source_document())


@area.row(UNLOGGED, heals=False)
def a_source_in_use_whose_data_was_loaded_past_its_log(pair: Pair) -> Telling:
    pair.with_source()
    pair.source.server.ask("SET SESSION sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT, v INT)")
    pair.source.server.ask("INSERT INTO d.t VALUES (1, 1)")
    yield pair.source.apply(pair.source_document())


@area.row(UNLOGGED, heals=False)
def a_source_whose_log_was_reset_after_it_was_loaded(pair: Pair) -> Telling:
    pair.with_source()
    pair.source.server.ask("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT)")
    pair.write(1)
    pair.source.server.ask(pair.say(mariadb="RESET MASTER", mysql="RESET BINARY LOGS AND GTIDS"))
    pair.write(2)
    yield pair.source.apply(pair.source_document())


def _load_dump_with_position(pair: Pair) -> None:
    """As a dump is loaded that brings its own position along."""
    server = pair.source.server
    server.ask("SET SESSION sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT)")
    gtid = "11111111-71ca-11e1-9e33-c80aa9429562:1-9"
    server.ask(
        pair.say(mariadb="SET GLOBAL gtid_slave_pos = '0-5-9'", mysql=f"SET GLOBAL gtid_purged = '+{gtid}'")
    )


@area.row(mariadb=final("data", "0-5-9"), heals=False)
def a_source_that_has_its_position_from_a_dump(pair: Pair) -> Telling:
    pair.with_source()
    _load_dump_with_position(pair)
    yield pair.source.apply(pair.source_document())


@area.row(
    mariadb=final("source", "a log without 0-5-9"),
    mysql=final("receiver", "no longer has the binary logs"),
    heals=False,
)
def a_fresh_replica_of_a_source_that_has_its_position_from_a_dump(pair: Pair) -> Telling:
    pair.with_source()
    _load_dump_with_position(pair)
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(final("history", ""), heals=False)
def a_former_source_with_writes_of_its_own(pair: Pair) -> Telling:
    pair.with_source()
    pair.replica.server.ask("CREATE DATABASE own", "CREATE TABLE own.t (id INT)")
    yield pair.replica.apply(pair.replica_document())
    assert pair.replica.server.ask("SHOW DATABASES LIKE 'own'")


@area.row(final(f"account {USER}@%", "a different account of somebody else"), heals=False)
def an_account_of_somebody_else_in_the_place_of_ours(pair: Pair) -> Telling:
    pair.source.server.ask(f"CREATE USER {USER}@'%' IDENTIFIED BY 'made by hand'")
    yield pair.source.apply(pair.source_document())
