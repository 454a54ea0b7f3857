"""What the applier meets: data, accounts and plugins that differ, locks, damaged logs."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.failures.locking import holding
from tests.failures.pair import Node, Pair, Told
from tests.failures.row import READY, Area, final
from tests.integration.database.following import until

area = Area("applying")
Telling = Generator[Told, None, None]

DIFFER = final("applier", "the replica's data differ")
ACCOUNTS = final("applier", "the replica's accounts differ")
ROOM = 64  # bytes of a log that a story damages


@area.row(DIFFER, heals=False, quick=True)
def a_row_that_is_there_already(pair: Pair) -> Telling:
    pair.ready().unlogged("INSERT INTO d.t VALUES (5, 'here first')")
    pair.write(5)
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(DIFFER, heals=False)
def a_row_that_is_missing(pair: Pair) -> Telling:
    pair.ready().unlogged("DELETE FROM d.t WHERE id = 1")
    pair.source.server.ask("DELETE FROM d.t WHERE id = 1")
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(DIFFER, heals=False)
def a_table_that_is_missing(pair: Pair) -> Telling:
    pair.ready().unlogged("DROP TABLE d.t")
    pair.write(5)
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(mariadb=READY, mysql=DIFFER, heals=False)
def a_database_that_is_there_already(pair: Pair) -> Telling:
    pair.ready().unlogged("CREATE DATABASE twice")
    pair.source.server.ask("CREATE DATABASE twice")
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(ACCOUNTS, heals=False)
def an_account_that_the_replica_has_of_its_own(pair: Pair) -> Telling:
    pair.ready().unlogged("CREATE USER visitor@'%' IDENTIFIED BY 'v'")
    pair.source.server.ask("CREATE USER visitor@'%' IDENTIFIED BY 'v'")
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(ACCOUNTS, heals=False)
def an_account_that_the_replica_lacks(pair: Pair) -> Telling:
    pair.ready()
    pair.source.server.ask("SET SESSION sql_log_bin = 0", "CREATE USER visitor@'%' IDENTIFIED BY 'v'")
    pair.source.server.ask("ALTER USER visitor@'%' IDENTIFIED BY 'w'")
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(final("applier", "a plugin of the source is not here"), heals=False)
def an_account_whose_plugin_the_replica_lacks(pair: Pair) -> Telling:
    pair.spoiled = True
    pair.ready()
    plugin = pair.say(
        mariadb="INSTALL SONAME 'auth_ed25519'",
        mysql="INSTALL PLUGIN mysql_no_login SONAME 'mysql_no_login.so'",
    )
    kind = pair.say(mariadb="VIA ed25519 USING PASSWORD('v')", mysql="WITH mysql_no_login")
    pair.source.server.ask("SET SESSION sql_log_bin = 0", plugin)
    pair.source.server.ask(f"CREATE USER v@'%' IDENTIFIED {kind}")
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def a_lock_that_was_held_for_longer_than_the_retries_and_is_gone(pair: Pair) -> Telling:
    pair.ready()
    with impatient(pair.replica), locked_row(pair):
        pair.source.server.ask("UPDATE d.t SET v = 'changed' WHERE id = 1")
        until(lambda: not applies(pair))
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(final("applier", "a lock was held for longer"))
def a_lock_that_stays(pair: Pair) -> Telling:
    pair.ready()
    with impatient(pair.replica), locked_row(pair):
        pair.source.server.ask("UPDATE d.t SET v = 'changed' WHERE id = 1")
        until(lambda: not applies(pair))
        yield pair.replica.apply(pair.replica_document(Deadline=30))


@area.row(READY)
def an_applier_that_was_killed(pair: Pair) -> Telling:
    pair.ready()
    pair.replica.server.ask(*(f"KILL {number}" for number in threads(pair, applier=True)))
    pair.write(5)
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def a_receiver_that_was_killed(pair: Pair) -> Telling:
    pair.ready()
    pair.replica.server.ask(*(f"KILL {number}" for number in threads(pair, applier=False)))
    pair.write(5)
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(
    mariadb=final("receiver", "slave_max_allowed_packet"),
    mysql=final("receiver", "replica_max_allowed_packet"),
)
def an_event_above_the_replica_s_cap(pair: Pair) -> Telling:
    pair.ready()
    cap = pair.say(mariadb="slave_max_allowed_packet", mysql="replica_max_allowed_packet")
    usual = pair.replica.server.value(f"@@GLOBAL.{cap}")
    pair.replica.server.ask(pair.channel("STOP"), f"SET GLOBAL {cap} = 65536", pair.channel("START"))
    pair.source.server.ask("INSERT INTO d.t VALUES (5, REPEAT('x', 1000000))")
    yield pair.replica.apply(pair.replica_document(Deadline=20))
    pair.replica.server.ask(f"SET GLOBAL {cap} = {usual}")


@area.row(final("receiver", "the source's binary log is damaged"), heals=False)
def a_damaged_binary_log_of_the_source(pair: Pair) -> Telling:
    pair.ready()
    pair.replica.server.ask(pair.channel("STOP"))
    begins = int(pair.source.server.position()[1] or 0)
    pair.write(5, 6, 7)
    damage(pair.source.server.folder / "data" / str(pair.source.server.position()[0]), begins + ROOM)
    pair.spoiled = True
    yield pair.replica.apply(pair.replica_document(Deadline=20))


@area.row(READY)
def a_damaged_relay_log(pair: Pair) -> Telling:
    pair.ready()
    pair.replica.server.ask(f"{pair.channel('STOP')} SQL_THREAD")
    pair.write(5, 6, 7)
    until(lambda: received(pair))
    relay = relay_log(pair.replica)
    damage(relay, relay.stat().st_size - 3 * ROOM)
    pair.replica.server.ask(f"{pair.channel('START')} SQL_THREAD")
    until(lambda: not applies(pair))
    yield pair.replica.apply(pair.replica_document(Deadline=30))


@area.row(READY)
def a_replica_killed_in_the_middle_of_its_relay_log(pair: Pair) -> Telling:
    pair.ready()
    pair.write(*range(10, 60))
    pair.replica.server.stop(signal.SIGKILL)
    relay = relay_log(pair.replica)
    with relay.open("r+b") as file:
        file.truncate(relay.stat().st_size - 20)
    pair.replica.server.start()
    yield pair.replica.apply(pair.replica_document(Deadline=30))


@contextmanager
def locked_row(pair: Pair) -> Iterator[None]:
    """Somebody holds a row that is about to be changed; a lock is taken before the server is closed again."""
    lifted, lowered = pair.unclosed
    pair.replica.server.ask(lifted)
    with holding(pair.replica.server, "SELECT * FROM d.t WHERE id = 1 FOR UPDATE"):
        pair.replica.server.ask(lowered)
        yield


def threads(pair: Pair, *, applier: bool) -> list[str]:
    """The channel's threads of one kind, as KILL takes them."""
    kinds = pair.say(mariadb="Slave_SQL|Slave_IO", mysql="thread/sql/replica_sql|thread/sql/replica_io")
    kind = kinds.split("|")[0 if applier else 1]
    every = pair.say(
        mariadb="SELECT id, command AS kind FROM information_schema.processlist",
        mysql="SELECT processlist_id AS id, name AS kind FROM performance_schema.threads",
    )
    found = [str(row["id"]) for row in pair.replica.server.ask(every) if row["kind"] == kind]
    assert found, "the channel has no such thread"
    return found


def applies(pair: Pair) -> bool:
    """Whether the applier runs."""
    with closing(pair.replica.server.open()) as database:
        channel = database.observe().channel
    return channel is not None and channel.applier


def received(pair: Pair) -> bool:
    """Whether the receiver has all that the source has written."""
    row = pair.replica.server.ask(f"{pair.channel('SHOW')} STATUS")[0]
    name = pair.say(mariadb="Master", mysql="Source")
    at = pair.source.server.position()
    return (row[f"{name}_Log_File"], row[f"Read_{name}_Log_Pos"]) == at


def relay_log(node: Node) -> Path:
    """The newest one that holds anything."""
    logs = sorted((node.server.folder / "data").glob("*relay-bin.[0-9]*"))
    return max(logs, key=lambda path: (path.stat().st_mtime, path.name))


def damage(path: Path, at: int) -> None:
    """Overwrite a part of a file, as a bad disk does."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 40)


class impatient:  # noqa: N801 - read as a word of the story
    """The applier of the node gives up on a lock at once."""

    def __init__(self, node: Node) -> None:
        self._server = node.server
        family = node.server.flavour.family
        self._retries = {"mariadb": "slave_transaction_retries", "mysql": "replica_transaction_retries"}[
            family
        ]
        self._stop, self._start = {
            "mariadb": ("STOP SLAVE SQL_THREAD", "START SLAVE SQL_THREAD"),
            "mysql": ("STOP REPLICA SQL_THREAD", "START REPLICA SQL_THREAD"),
        }[family]

    def __enter__(self) -> None:
        self._usual = self._server.value(f"@@GLOBAL.{self._retries}")
        self._set("0", "1")

    def __exit__(self, *_: object) -> None:
        self._server.ask(
            f"SET GLOBAL {self._retries} = {self._usual}", "SET GLOBAL innodb_lock_wait_timeout = 50"
        )

    def _set(self, retries: str, wait: str) -> None:
        self._server.ask(
            f"SET GLOBAL {self._retries} = {retries}", f"SET GLOBAL innodb_lock_wait_timeout = {wait}"
        )
        self._server.ask(self._stop, self._start)
