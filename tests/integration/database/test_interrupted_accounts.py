"""Statements on accounts that a backup, a kill or a crash interrupts: replicas get the same accounts."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pymysql
import pytest

from guestagent.agent.model import Readiness
from guestagent.database.protocols import Database
from guestagent.database.steps import CreateMarker
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import limit_to_family
from tests.support.node_agents import NodeAgent, describe_source
from tests.support.polling import wait_until
from tests.support.replication import read_channel, start_replication
from tests.support.table_locks import hold_locks

MARIADB_ALONE, MYSQL_ALONE = limit_to_family("mariadb"), limit_to_family("mysql")
FOLLOWING = {"slave0000": "correct horse battery"}
BLOCKING = ("BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT")
WAITING = "SELECT id, info FROM information_schema.processlist WHERE state = 'Waiting for backup lock'"
ACCOUNTS = "SELECT User, Host, authentication_string FROM mysql.user WHERE User LIKE 'slave%' ORDER BY User"
CHANGES: dict[str, dict[str, str]] = {
    "a new account": {**FOLLOWING, "slave0001": "a"},
    "another password": {"slave0000": "another"},
    "an account less": {},
}


@pytest.fixture
def agent(server: DatabaseServer, tmp_path: Path) -> NodeAgent:
    return NodeAgent(tmp_path / "agent", server.socket, timeout=1.0)


@pytest.fixture
def replicated_source(agent: NodeAgent, server: DatabaseServer, replica: Database) -> DatabaseServer:
    """A source that an agent configured, with a replica."""
    assert agent.run_pass(describe_node(server, FOLLOWING)).is_ready
    start_replication(replica, server)
    return server


def describe_node(server: DatabaseServer, passwords: Mapping[str, str]) -> dict[str, object]:
    return describe_source(passwords, int(server.query_value("@@server_id") or 0))


@MARIADB_ALONE
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_was_killed_during_a_backup_is_logged_later(
    agent: NodeAgent,
    replicated_source: DatabaseServer,
    replica_server: DatabaseServer,
    replica: Database,
    change: str,
) -> None:
    document = describe_node(replicated_source, CHANGES[change])
    with hold_locks(replicated_source, *BLOCKING), run_pass_in_background(agent, document):
        wait_until(lambda: bool(replicated_source.execute(WAITING)))
        replicated_source.execute(f"KILL {replicated_source.execute(WAITING)[0]['id']}")

    assert agent.run_pass(document).is_ready
    assert_equal_accounts(replicated_source, replica_server, replica)


@MARIADB_ALONE
def test_a_backup_longer_than_a_query_timeout_does_not_interrupt_a_change(
    agent: NodeAgent, replicated_source: DatabaseServer, replica_server: DatabaseServer, replica: Database
) -> None:
    with ExitStack() as backup:
        backup.enter_context(hold_locks(replicated_source, *BLOCKING))
        with run_pass_in_background(
            agent, describe_node(replicated_source, CHANGES["a new account"])
        ) as results:
            wait_until(lambda: bool(replicated_source.execute(WAITING)))
            time.sleep(1.5)  # the timeout of the agent's queries is one second
            backup.close()

    assert [each.is_ready for each in results] == [True]
    assert_equal_accounts(replicated_source, replica_server, replica)


@MARIADB_ALONE
def test_an_interrupted_marker_is_logged_later(
    agent: NodeAgent, server: DatabaseServer, replica_server: DatabaseServer, replica: Database
) -> None:
    with hold_locks(server, *BLOCKING), run_pass_in_background(agent, describe_node(server, FOLLOWING)):
        wait_until(lambda: bool(server.execute(WAITING)))
        server.execute(f"KILL {server.execute(WAITING)[0]['id']}")

    assert agent.run_pass(describe_node(server, FOLLOWING)).is_ready
    start_replication(replica, server)
    assert_equal_accounts(server, replica_server, replica)


@MYSQL_ALONE
@pytest.mark.parametrize("lock", ["FLUSH TABLES WITH READ LOCK", "LOCK INSTANCE FOR BACKUP"])
def test_mysql_interrupts_a_change_and_its_logging_together(
    agent: NodeAgent,
    replicated_source: DatabaseServer,
    replica_server: DatabaseServer,
    replica: Database,
    lock: str,
) -> None:
    document = describe_node(replicated_source, CHANGES["a new account"])
    before = replicated_source.execute(ACCOUNTS)
    with hold_locks(replicated_source, lock):
        interrupted = agent.run_pass(document)
        during = replicated_source.execute(ACCOUNTS)

    assert (interrupted.is_ready, during) == (False, before)
    assert agent.run_pass(document).is_ready
    assert_equal_accounts(replicated_source, replica_server, replica)


def test_a_foreign_account_that_was_created_meanwhile_is_not_replaced(
    server: DatabaseServer, database: Database, agent: NodeAgent
) -> None:
    database.apply(CreateMarker())
    server.execute("CREATE USER slave0000 IDENTIFIED BY 'theirs'")

    results = agent.run_pass(describe_node(server, FOLLOWING))

    assert "did not create" in results.worst_condition.actual


@MARIADB_ALONE
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.patient)])
def test_kills_between_row_and_log_leave_equal_accounts(
    replica_server: DatabaseServer, replica: Database, data_template: Path, tmp_path: Path, rounds: int
) -> None:
    """Kill the server half of the times while commits wait for a backup, otherwise at a random moment of the pass."""
    random_numbers = random.Random(rounds)
    with open_server(tmp_path / "s", data_template, "server-id=9", flavour=replica_server.flavour) as source:
        agent = NodeAgent(tmp_path / "agent", source.socket)
        assert agent.run_pass(describe_source(FOLLOWING, 9)).is_ready
        start_replication(replica, source)
        for number in range(rounds):
            other_users = {
                f"slave{each:04}": f"pw{random_numbers.randrange(3)}"
                for each in range(1, 4)
                if random_numbers.random() < 0.6
            }
            document = describe_source({**FOLLOWING, **other_users}, 9)
            with run_pass_in_background(agent, document):
                kill_source(source, random_numbers, is_waiting=number % 2 == 0)
            source.start()
            wait_until(lambda document=document: agent.run_pass(document).is_ready)  # type: ignore[misc]
            assert_equal_accounts(source, replica_server, replica)


def kill_source(source: DatabaseServer, random_numbers: random.Random, *, is_waiting: bool) -> None:
    with suppress(pymysql.MySQLError):  # its locks end with the server
        if is_waiting:
            with hold_locks(source, *BLOCKING):
                deadline = time.monotonic() + 0.5  # the pass may have nothing to do
                while not source.execute(WAITING) and time.monotonic() < deadline:
                    time.sleep(0.01)
                source.stop(signal.SIGKILL)
        else:
            time.sleep(0.01 + random_numbers.random() * 0.03)
            source.stop(signal.SIGKILL)


@contextmanager
def run_pass_in_background(agent: NodeAgent, document: Mapping[str, object]) -> Iterator[list[Readiness]]:
    """Run a pass during the block, and wait for its end; yields the list of its result."""
    results: list[Readiness] = []
    thread = threading.Thread(target=lambda: results.append(agent.run_pass(document)))
    thread.start()
    try:
        yield results
    finally:
        thread.join(60)
    assert not thread.is_alive()


def assert_equal_accounts(source: DatabaseServer, replica_server: DatabaseServer, replica: Database) -> None:
    """Assert that the replica applies everything without an error, and then has the accounts of the source."""
    with closing(source.open()) as database:
        source_history = database.observe().history
    wait_until(
        lambda: (
            replica.observe().history.contains(source_history)
            or read_channel(replica).applier_error is not None
        )
    )
    assert read_channel(replica).applier_error is None
    assert replica_server.execute(ACCOUNTS) == source.execute(ACCOUNTS)
