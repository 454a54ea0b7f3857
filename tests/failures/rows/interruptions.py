"""Servers and networks that fail and return, and changes that a person makes by hand."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Generator
from contextlib import suppress

import pymysql

from tests.failures.row import READY, FailureArea, expect_final, expect_late
from tests.failures.server_pair import USER, ApplyAnswer, Pair
from tests.support.polling import wait_until

area = FailureArea("interruptions and drift")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(READY, quick=True)
def a_network_partition_during_replication(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.link.cut()
    pair.insert_rows(5, 6)
    time.sleep(0.5)  # the source's packets must be dropped for a while
    pair.link.heal()
    yield pair.replica.apply(pair.build_replica_document(Deadline=40))


@area.row(READY)
def a_source_restarted_after_it_was_killed(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.restart_server(pair.source, signal_number=signal.SIGKILL)
    pair.prepare_source()
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=40))


@area.row(READY)
def a_replication_connection_killed_on_the_source(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    source = pair.source.server
    source.execute(*(f"KILL {row['id']}" for row in source.execute(source.statements.dumps)))
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=40))


@area.row(READY)
def a_commit_that_waits_for_a_semi_synchronous_acknowledgement(pair: Pair) -> ScenarioAnswers:
    """No replica is semi-synchronous: a commit waits for the whole timeout, although the replica already has it."""
    pair.is_spoiled = True
    pair.prepare()
    pair.source.server.execute(
        *pair.choose_statement(
            mariadb="SET GLOBAL rpl_semi_sync_master_timeout = 6000;"
            "SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC;SET GLOBAL rpl_semi_sync_master_enabled = 1",
            mysql="INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so';"
            "SET GLOBAL rpl_semi_sync_source_timeout = 6000;SET GLOBAL rpl_semi_sync_source_enabled = 1",
        ).split(";")
    )
    writer = threading.Thread(target=pair.insert_rows, args=(5,))
    writer.start()
    wait_until(lambda: len(pair.replica.server.execute("SELECT id FROM d.t")) == 4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=30))
    writer.join()


@area.row(READY, quick=True)
def a_replica_killed_while_it_applies_rows(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.insert_rows(*range(10, 40))
    pair.restart_server(pair.replica, signal_number=signal.SIGKILL)
    pair.insert_rows(*range(40, 50))
    yield pair.replica.apply(pair.build_replica_document(Deadline=40))


@area.row(READY)
def a_replica_killed_while_its_channel_is_changed(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    for number in range(3):
        changer = threading.Thread(target=change_channel_repeatedly, args=(pair,))
        changer.start()
        time.sleep(random.random() * 0.2)
        pair.replica.server.stop(signal.SIGKILL)
        changer.join()
        pair.replica.server.start()
        pair.insert_rows(20 + number)
    yield pair.replica.apply(pair.build_replica_document(Deadline=40))


@area.row(READY)
def a_receiver_stopped_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.execute(f"{pair.build_channel_statement('STOP')} IO_THREAD")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def an_applier_stopped_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.execute(f"{pair.build_channel_statement('STOP')} SQL_THREAD")
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_channel_that_was_never_started(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.execute(
        pair.build_channel_statement("STOP"), pair.build_change_statement("CONNECT_RETRY=2")
    )
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_channel_removed_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.execute(
        pair.build_channel_statement("STOP"), f"{pair.build_channel_statement('RESET')} ALL"
    )
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_channel_pointed_to_another_host_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.execute(
        pair.build_channel_statement("STOP"),
        pair.build_change_statement("HOST='192.0.2.1'"),
        pair.build_channel_statement("START"),
    )
    yield pair.replica.apply(pair.build_replica_document(Deadline=40))


@area.row(READY)
def a_channel_password_changed_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.execute(
        pair.build_channel_statement("STOP"),
        pair.build_change_statement("PASSWORD='another'"),
        pair.build_channel_statement("START"),
    )
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_replica_made_writable_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.execute(
        pair.choose_statement(mariadb="SET GLOBAL read_only = 0", mysql="SET GLOBAL super_read_only = 0")
    )
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
    assert (
        pair.replica.server.query_value(
            pair.choose_statement(mariadb="@@read_only", mysql="@@super_read_only")
        )
        == "1"
    )


@area.row(READY)
def a_source_made_read_only_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute("SET GLOBAL read_only = 1")
    yield pair.source.apply(pair.build_source_document(Deadline=20))
    assert pair.source.server.query_value("@@read_only") == "0"


@area.row(READY)
def an_account_dropped_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(f"DROP USER {USER}@'%'")
    yield pair.source.apply(pair.build_source_document(Deadline=20))


@area.row(READY, quick=True)
def an_account_password_changed_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(f"ALTER USER {USER}@'%' IDENTIFIED BY 'by hand'")
    yield pair.source.apply(pair.build_source_document(Deadline=20))


@area.row(READY)
def an_account_with_privileges_added_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(f"GRANT SELECT ON *.* TO {USER}@'%'")
    yield pair.source.apply(pair.build_source_document(Deadline=20))


@area.row(expect_final(f"account {USER}@%", "a locked account"))
def an_account_locked_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(f"ALTER USER {USER}@'%' ACCOUNT LOCK")
    yield pair.source.apply(pair.build_source_document())
    pair.source.server.execute(f"ALTER USER {USER}@'%' ACCOUNT UNLOCK")


@area.row(expect_late("server", ""))
def a_database_server_that_is_down(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.stop()
    yield pair.replica.apply(pair.build_replica_document())
    pair.replica.server.start()


@area.row(expect_late("server", ""))
def a_database_server_that_hangs(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.send_signal(signal.SIGSTOP)
    yield pair.replica.apply(pair.build_replica_document())
    pair.replica.server.send_signal(signal.SIGCONT)


@area.row(mariadb=expect_final("server ids of replicas", "more than once"), heals=False)
def two_replicas_with_one_server_id(pair: Pair) -> ScenarioAnswers:
    """The document gives the source the id of its replica, as a second replica with that id would have it."""
    pair.prepare()
    wait_until(lambda: has_replica(pair))
    yield pair.source.apply(pair.build_source_document(ServerId=72))


def has_replica(pair: Pair) -> bool:
    return bool(
        pair.source.server.execute(pair.choose_statement(mariadb="SHOW SLAVE HOSTS", mysql="SHOW REPLICAS"))
    )


def change_channel_repeatedly(pair: Pair) -> None:
    """Stop, change and start the channel until the server is gone."""
    with suppress(pymysql.MySQLError, OSError):
        while True:
            pair.replica.server.execute(
                pair.build_channel_statement("STOP"),
                pair.build_change_statement("CONNECT_RETRY=1"),
                pair.build_channel_statement("START"),
            )
