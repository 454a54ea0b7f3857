"""Failures of the applier: data, accounts and plugins that differ, locks, damaged logs."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.failures.row import READY, FailureArea, expect_final, expect_late
from tests.failures.server_pair import ApplyAnswer, Node, Pair
from tests.support.polling import wait_until
from tests.support.table_locks import hold_locks

area = FailureArea("applying")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

DIFFER = expect_final("applier", "the replica's data differ")
ACCOUNTS = expect_final("applier", "the replica's accounts differ")
NEW_PASSWORD = "another battery staple"
DAMAGE_OFFSET = 64  # bytes into an event of a log, where a scenario damages it


@area.row(DIFFER, heals=False, quick=True)
def a_row_that_already_exists(pair: Pair) -> ScenarioAnswers:
    pair.prepare().execute_unlogged("INSERT INTO d.t VALUES (5, 'here first')")
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(DIFFER, heals=False)
def a_missing_row(pair: Pair) -> ScenarioAnswers:
    pair.prepare().execute_unlogged("DELETE FROM d.t WHERE id = 1")
    pair.source.server.execute("DELETE FROM d.t WHERE id = 1")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(DIFFER, heals=False)
def a_missing_table(pair: Pair) -> ScenarioAnswers:
    pair.prepare().execute_unlogged("DROP TABLE d.t")
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mariadb=READY, mysql=DIFFER, heals=False)
def a_database_that_already_exists(pair: Pair) -> ScenarioAnswers:
    pair.prepare().execute_unlogged("CREATE DATABASE twice")
    pair.source.server.execute("CREATE DATABASE twice")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(ACCOUNTS, heals=False)
def an_account_that_already_exists_on_the_replica(pair: Pair) -> ScenarioAnswers:
    pair.prepare().execute_unlogged("CREATE USER visitor@'%' IDENTIFIED BY 'v'")
    pair.source.server.execute("CREATE USER visitor@'%' IDENTIFIED BY 'v'")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(ACCOUNTS, heals=False)
def an_account_that_is_missing_on_the_replica(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.execute("SET SESSION sql_log_bin = 0", "CREATE USER visitor@'%' IDENTIFIED BY 'v'")
    pair.source.server.execute("ALTER USER visitor@'%' IDENTIFIED BY 'w'")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(expect_final("applier", "a plugin of the source is not installed here"), heals=False)
def an_account_whose_plugin_is_missing_on_the_replica(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.prepare()
    plugin = pair.choose_statement(
        mariadb="INSTALL SONAME 'auth_ed25519'",
        mysql="INSTALL PLUGIN mysql_no_login SONAME 'mysql_no_login.so'",
    )
    plugin_clause = pair.choose_statement(
        mariadb="VIA ed25519 USING PASSWORD('v')", mysql="WITH mysql_no_login"
    )
    pair.source.server.execute("SET SESSION sql_log_bin = 0", plugin)
    pair.source.server.execute(f"CREATE USER v@'%' IDENTIFIED {plugin_clause}")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_lock_released_after_the_applier_gave_up(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    with ShortLockWait(pair.replica), hold_row_lock(pair):
        pair.source.server.execute("UPDATE d.t SET v = 'changed' WHERE id = 1")
        wait_until(lambda: not is_applier_running(pair))
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(expect_final("applier", "lock waits exceeded the number of retries"))
def a_lock_that_is_never_released(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    with ShortLockWait(pair.replica), hold_row_lock(pair):
        pair.source.server.execute("UPDATE d.t SET v = 'changed' WHERE id = 1")
        wait_until(lambda: not is_applier_running(pair))
        yield pair.replica.apply(pair.build_replica_document(Deadline=30))


@area.row(expect_late("step", "because the applier is busy: Waiting for table metadata lock"))
def a_new_password_while_the_applier_waits_for_a_lock(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    with hold_locks(pair.replica.server, "LOCK TABLES d.t READ"):
        pair.source.server.execute("ALTER TABLE d.t ADD c INT")
        wait_until(lambda: count_sessions(pair, state="Waiting for table metadata lock") == 1)
        document = pair.build_source_document(Deadline=20)
        document["Users"][0]["password"] = NEW_PASSWORD
        assert pair.source.apply(document).is_ready
        answer = pair.replica.apply(pair.build_replica_document(Deadline=15, password=NEW_PASSWORD))
        assert count_sessions(pair, statement="STOP ") == 1, "the sessions of STOP accumulate"
        yield answer
    assert pair.apply_on_replica(password=NEW_PASSWORD).is_ready
    pair.source.apply(pair.build_source_document(Deadline=20))


def count_sessions(pair: Pair, *, state: str = "", statement: str = "") -> int:
    """Count the replica's sessions in a state, or with a statement that begins like this."""
    return sum(
        (row["State"] or "").startswith(state) and (row["Info"] or "").startswith(statement)
        for row in pair.replica.server.execute("SHOW PROCESSLIST")
    )


@area.row(READY)
def a_killed_applier(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.replica.server.execute(*(f"KILL {number}" for number in list_threads(pair, applier=True)))
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_killed_receiver(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.replica.server.execute(*(f"KILL {number}" for number in list_threads(pair, applier=False)))
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(
    mariadb=expect_final("receiver", "slave_max_allowed_packet"),
    mysql=expect_final("receiver", "replica_max_allowed_packet"),
)
def an_event_above_the_replica_s_packet_limit(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    variable = pair.choose_statement(mariadb="slave_max_allowed_packet", mysql="replica_max_allowed_packet")
    default = pair.replica.server.query_value(f"@@GLOBAL.{variable}")
    pair.replica.server.execute(
        pair.build_channel_statement("STOP"),
        f"SET GLOBAL {variable} = 65536",
        pair.build_channel_statement("START"),
    )
    pair.source.server.execute("INSERT INTO d.t VALUES (5, REPEAT('x', 1000000))")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
    pair.replica.server.execute(f"SET GLOBAL {variable} = {default}")


@area.row(expect_final("receiver", "the source's binary log is damaged"), heals=False)
def a_damaged_binary_log_on_the_source(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.replica.server.execute(pair.build_channel_statement("STOP"))
    offset = int(pair.source.server.read_position()[1] or 0)
    pair.insert_rows(5, 6, 7)
    damage_file(
        pair.source.server.folder / "data" / str(pair.source.server.read_position()[0]),
        offset + DAMAGE_OFFSET,
    )
    pair.is_spoiled = True
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_damaged_relay_log(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.replica.server.execute(f"{pair.build_channel_statement('STOP')} SQL_THREAD")
    pair.insert_rows(5, 6, 7)
    wait_until(lambda: has_received_all(pair))
    relay_log = find_relay_log(pair.replica)
    damage_file(relay_log, relay_log.stat().st_size - 3 * DAMAGE_OFFSET)
    pair.replica.server.execute(f"{pair.build_channel_statement('START')} SQL_THREAD")
    wait_until(lambda: not is_applier_running(pair))
    yield pair.replica.apply(pair.build_replica_document(Deadline=30))


@area.row(READY)
def a_replica_killed_while_it_writes_its_relay_log(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.insert_rows(*range(10, 60))
    pair.replica.server.stop(signal.SIGKILL)
    relay_log = find_relay_log(pair.replica)
    with relay_log.open("r+b") as file:
        file.truncate(relay_log.stat().st_size - 20)
    pair.replica.server.start()
    yield pair.replica.apply(pair.build_replica_document(Deadline=30))


@contextmanager
def hold_row_lock(pair: Pair) -> Iterator[None]:
    """Lock a row on the replica. The lock must be taken before the server is read-only again."""
    allow_writes, forbid_writes = pair.write_access_statements
    pair.replica.server.execute(allow_writes)
    with hold_locks(pair.replica.server, "SELECT * FROM d.t WHERE id = 1 FOR UPDATE"):
        pair.replica.server.execute(forbid_writes)
        yield


def list_threads(pair: Pair, *, applier: bool) -> list[str]:
    """Return the ids of the channel's applier or receiver threads, for KILL."""
    kinds = pair.choose_statement(
        mariadb="Slave_SQL|Slave_IO", mysql="thread/sql/replica_sql|thread/sql/replica_io"
    )
    kind = kinds.split("|")[0 if applier else 1]
    query = pair.choose_statement(
        mariadb="SELECT id, command AS kind FROM information_schema.processlist",
        mysql="SELECT processlist_id AS id, name AS kind FROM performance_schema.threads",
    )
    thread_ids = [str(row["id"]) for row in pair.replica.server.execute(query) if row["kind"] == kind]
    assert thread_ids, "the channel has no such thread"
    return thread_ids


def is_applier_running(pair: Pair) -> bool:
    """Return whether the applier runs."""
    with closing(pair.replica.server.open()) as database:
        channel = database.observe().channel
    return channel is not None and channel.is_applier_running


def has_received_all(pair: Pair) -> bool:
    """Return whether the receiver has read the source's binary log to its end."""
    row = pair.replica.server.execute(f"{pair.build_channel_statement('SHOW')} STATUS")[0]
    prefix = pair.choose_statement(mariadb="Master", mysql="Source")
    position = pair.source.server.read_position()
    return (row[f"{prefix}_Log_File"], row[f"Read_{prefix}_Log_Pos"]) == position


def find_relay_log(node: Node) -> Path:
    """Return the newest relay log."""
    logs = sorted((node.server.folder / "data").glob("*relay-bin.[0-9]*"))
    return max(logs, key=lambda path: (path.stat().st_mtime, path.name))


def damage_file(path: Path, offset: int) -> None:
    """Overwrite a part of a file, as a bad disk does."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 40)


class ShortLockWait:
    """Makes the applier of the node give up on a lock at once."""

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
        self._default_retries = self._server.query_value(f"@@GLOBAL.{self._retries}")
        self._set_limits("0", "1")

    def __exit__(self, *_: object) -> None:
        self._server.execute(
            f"SET GLOBAL {self._retries} = {self._default_retries}",
            "SET GLOBAL innodb_lock_wait_timeout = 50",
        )

    def _set_limits(self, retries: str, timeout: str) -> None:
        self._server.execute(
            f"SET GLOBAL {self._retries} = {retries}", f"SET GLOBAL innodb_lock_wait_timeout = {timeout}"
        )
        self._server.execute(self._stop, self._start)
