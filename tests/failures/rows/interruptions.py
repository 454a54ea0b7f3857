"""Servers and networks that go away and come back, and what somebody changed by hand meanwhile."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Generator
from contextlib import suppress

import pymysql

from tests.failures.pair import USER, Pair, Told
from tests.failures.row import READY, Area, final, late
from tests.integration.database.following import until

area = Area("interruptions and drift")
Telling = Generator[Told, None, None]


@area.row(READY, quick=True)
def a_partition_in_the_middle_of_the_stream(pair: Pair) -> Telling:
    pair.ready()
    pair.wire.cut()
    pair.write(5, 6)
    time.sleep(0.5)
    pair.wire.heal()
    yield pair.replica.apply(pair.replica_document(Deadline=40))


@area.row(READY)
def a_source_that_was_killed_and_is_back(pair: Pair) -> Telling:
    pair.ready()
    pair.restarted(pair.source, by=signal.SIGKILL)
    pair.with_source()
    pair.write(5)
    yield pair.replica.apply(pair.replica_document(Deadline=40))


@area.row(READY)
def a_stream_that_the_source_has_killed(pair: Pair) -> Telling:
    pair.ready()
    console = pair.source.server._console
    pair.source.server.ask(*(f"KILL {row['id']}" for row in pair.source.server.ask(console.dumps)))
    pair.write(5)
    yield pair.replica.apply(pair.replica_document(Deadline=40))


@area.row(READY)
def a_commit_that_waits_on_the_source_for_an_acknowledgement(pair: Pair) -> Telling:
    """No replica is semi-synchronous, so each commit waits for the whole timeout, while the replica has it already."""
    pair.spoiled = True
    pair.ready()
    pair.source.server.ask(
        *pair.say(
            mariadb="SET GLOBAL rpl_semi_sync_master_timeout = 6000;"
            "SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC;SET GLOBAL rpl_semi_sync_master_enabled = 1",
            mysql="INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so';"
            "SET GLOBAL rpl_semi_sync_source_timeout = 6000;SET GLOBAL rpl_semi_sync_source_enabled = 1",
        ).split(";")
    )
    writing = threading.Thread(target=pair.write, args=(5,))
    writing.start()
    until(lambda: len(pair.replica.server.ask("SELECT id FROM d.t")) == 4)
    yield pair.replica.apply(pair.replica_document(Deadline=30))
    writing.join()


@area.row(READY, quick=True)
def a_replica_that_was_killed_under_writes(pair: Pair) -> Telling:
    pair.ready()
    pair.write(*range(10, 40))
    pair.restarted(pair.replica, by=signal.SIGKILL)
    pair.write(*range(40, 50))
    yield pair.replica.apply(pair.replica_document(Deadline=40))


@area.row(READY)
def a_replica_killed_in_the_middle_of_a_change_of_its_channel(pair: Pair) -> Telling:
    pair.ready()
    for number in range(3):
        changing = threading.Thread(target=changed, args=(pair,))
        changing.start()
        time.sleep(random.random() * 0.2)
        pair.replica.server.stop(signal.SIGKILL)
        changing.join()
        pair.replica.server.start()
        pair.write(20 + number)
    yield pair.replica.apply(pair.replica_document(Deadline=40))


@area.row(READY)
def a_receiver_that_somebody_stopped(pair: Pair) -> Telling:
    pair.ready().replica.server.ask(f"{pair.channel('STOP')} IO_THREAD")
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def an_applier_that_somebody_stopped(pair: Pair) -> Telling:
    pair.ready().replica.server.ask(f"{pair.channel('STOP')} SQL_THREAD")
    pair.write(5)
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def a_channel_that_was_never_started(pair: Pair) -> Telling:
    pair.ready().replica.server.ask(pair.channel("STOP"), pair.point("CONNECT_RETRY=2"))
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def a_channel_that_somebody_forgot(pair: Pair) -> Telling:
    pair.ready().replica.server.ask(pair.channel("STOP"), f"{pair.channel('RESET')} ALL")
    pair.write(5)
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def a_channel_that_somebody_pointed_elsewhere(pair: Pair) -> Telling:
    pair.ready().replica.server.ask(
        pair.channel("STOP"), pair.point("HOST='192.0.2.1'"), pair.channel("START")
    )
    yield pair.replica.apply(pair.replica_document(Deadline=40))


@area.row(READY)
def a_channel_whose_password_somebody_changed(pair: Pair) -> Telling:
    pair.ready().replica.server.ask(
        pair.channel("STOP"), pair.point("PASSWORD='another'"), pair.channel("START")
    )
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def a_replica_that_somebody_made_writable(pair: Pair) -> Telling:
    pair.ready().replica.server.ask(
        pair.say(mariadb="SET GLOBAL read_only = 0", mysql="SET GLOBAL super_read_only = 0")
    )
    yield pair.replica.apply(pair.replica_document(Deadline=20))
    assert pair.replica.server.value(pair.say(mariadb="@@read_only", mysql="@@super_read_only")) == "1"


@area.row(READY)
def a_source_that_somebody_made_read_only(pair: Pair) -> Telling:
    pair.ready().source.server.ask("SET GLOBAL read_only = 1")
    yield pair.source.apply(pair.source_document(Deadline=20))
    assert pair.source.server.value("@@read_only") == "0"


@area.row(READY)
def an_account_that_somebody_dropped(pair: Pair) -> Telling:
    pair.ready().source.server.ask(f"DROP USER {USER}@'%'")
    yield pair.source.apply(pair.source_document(Deadline=20))


@area.row(READY, quick=True)
def an_account_whose_password_somebody_changed(pair: Pair) -> Telling:
    pair.ready().source.server.ask(f"ALTER USER {USER}@'%' IDENTIFIED BY 'by hand'")
    yield pair.source.apply(pair.source_document(Deadline=20))


@area.row(READY)
def an_account_to_which_somebody_gave_more(pair: Pair) -> Telling:
    pair.ready().source.server.ask(f"GRANT SELECT ON *.* TO {USER}@'%'")
    yield pair.source.apply(pair.source_document(Deadline=20))


@area.row(final(f"account {USER}@%", "a locked account"))
def an_account_that_somebody_locked(pair: Pair) -> Telling:
    pair.ready().source.server.ask(f"ALTER USER {USER}@'%' ACCOUNT LOCK")
    yield pair.source.apply(pair.source_document())
    pair.source.server.ask(f"ALTER USER {USER}@'%' ACCOUNT UNLOCK")


@area.row(late("server", ""))
def a_database_server_that_is_down(pair: Pair) -> Telling:
    pair.ready().replica.server.stop()
    yield pair.replica.apply(pair.replica_document())
    pair.replica.server.start()


@area.row(late("server", ""))
def a_database_server_that_hangs(pair: Pair) -> Telling:
    pair.ready().replica.server.send(signal.SIGSTOP)
    yield pair.replica.apply(pair.replica_document())
    pair.replica.server.send(signal.SIGCONT)


@area.row(mariadb=final("server ids of replicas", "more than once"), heals=False)
def two_replicas_with_one_server_id(pair: Pair) -> Telling:
    """The second one is played by the source's own wish: it must not have the id of the replica that it sees."""
    pair.ready()
    until(lambda: followed(pair))
    yield pair.source.apply(pair.source_document(ServerId=72))


def followed(pair: Pair) -> bool:
    return bool(pair.source.server.ask(pair.say(mariadb="SHOW SLAVE HOSTS", mysql="SHOW REPLICAS")))


def changed(pair: Pair) -> None:
    """Until the server is gone: what is done to a channel that is pointed anew."""
    with suppress(pymysql.MySQLError, OSError):
        while True:
            pair.replica.server.ask(
                pair.channel("STOP"), pair.point("CONNECT_RETRY=1"), pair.channel("START")
            )
