"""Statements on accounts that a backup, a kill or a crash interrupts: the replicas end with the same accounts."""

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
from tests.support.replication import read_channel, start_replication, wait_until
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
def followed(agent: NodeAgent, server: DatabaseServer, replica: Database) -> DatabaseServer:
    """A source that an agent made, with a replica."""
    assert agent.run_pass(describe(server, FOLLOWING)).is_ready
    start_replication(replica, server)
    return server


def describe(server: DatabaseServer, passwords: Mapping[str, str]) -> dict[str, object]:
    return describe_source(passwords, int(server.query_value("@@server_id") or 0))


@MARIADB_ALONE
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_was_killed_under_a_backup_is_logged_in_the_end(
    agent: NodeAgent, followed: DatabaseServer, second: DatabaseServer, replica: Database, change: str
) -> None:
    document = describe(followed, CHANGES[change])
    with hold_locks(followed, *BLOCKING), passing(agent, document):
        wait_until(lambda: bool(followed.execute(WAITING)))
        followed.execute(f"KILL {followed.execute(WAITING)[0]['id']}")

    assert agent.run_pass(document).is_ready
    assert_equal_accounts(followed, second, replica)


@MARIADB_ALONE
def test_a_backup_that_takes_longer_than_a_query_may_does_not_cut_a_change(
    agent: NodeAgent, followed: DatabaseServer, second: DatabaseServer, replica: Database
) -> None:
    with ExitStack() as backup:
        backup.enter_context(hold_locks(followed, *BLOCKING))
        with passing(agent, describe(followed, CHANGES["a new account"])) as seen:
            wait_until(lambda: bool(followed.execute(WAITING)))
            time.sleep(1.5)  # the agent's queries have one second
            backup.close()

    assert [each.is_ready for each in seen] == [True]
    assert_equal_accounts(followed, second, replica)


@MARIADB_ALONE
def test_an_interrupted_mark_is_logged_in_the_end(
    agent: NodeAgent, server: DatabaseServer, second: DatabaseServer, replica: Database
) -> None:
    with hold_locks(server, *BLOCKING), passing(agent, describe(server, FOLLOWING)):
        wait_until(lambda: bool(server.execute(WAITING)))
        server.execute(f"KILL {server.execute(WAITING)[0]['id']}")

    assert agent.run_pass(describe(server, FOLLOWING)).is_ready
    start_replication(replica, server)
    assert_equal_accounts(server, second, replica)


@MYSQL_ALONE
@pytest.mark.parametrize("lock", ["FLUSH TABLES WITH READ LOCK", "LOCK INSTANCE FOR BACKUP"])
def test_mysql_cuts_a_change_and_its_log_together(
    agent: NodeAgent, followed: DatabaseServer, second: DatabaseServer, replica: Database, lock: str
) -> None:
    document = describe(followed, CHANGES["a new account"])
    before = followed.execute(ACCOUNTS)
    with hold_locks(followed, lock):
        cut = agent.run_pass(document)
        during = followed.execute(ACCOUNTS)

    assert (cut.is_ready, during) == (False, before)
    assert agent.run_pass(document).is_ready
    assert_equal_accounts(followed, second, replica)


def test_an_account_of_somebody_else_that_came_in_between_is_not_replaced(
    server: DatabaseServer, database: Database, agent: NodeAgent
) -> None:
    database.apply(CreateMarker())
    server.execute("CREATE USER slave0000 IDENTIFIED BY 'theirs'")

    seen = agent.run_pass(describe(server, FOLLOWING))

    assert "somebody else" in seen.worst_condition.actual


@MARIADB_ALONE
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.patient)])
def test_no_kill_between_row_and_log_parts_the_accounts(
    second: DatabaseServer, replica: Database, empty: Path, tmp_path: Path, rounds: int
) -> None:
    """Half of the kills meet a server whose commits wait for a backup, the others any moment of the pass."""
    chance = random.Random(rounds)
    with open_server(tmp_path / "s", empty, "server-id=9", flavour=second.flavour) as source:
        agent = NodeAgent(tmp_path / "agent", source.socket)
        assert agent.run_pass(describe_source(FOLLOWING, 9)).is_ready
        start_replication(replica, source)
        for number in range(rounds):
            others = {
                f"slave{each:04}": f"pw{chance.randrange(3)}" for each in range(1, 4) if chance.random() < 0.6
            }
            document = describe_source({**FOLLOWING, **others}, 9)
            with passing(agent, document):
                kill(source, chance, waiting=number % 2 == 0)
            source.start()
            wait_until(lambda document=document: agent.run_pass(document).is_ready)  # type: ignore[misc]
            assert_equal_accounts(source, second, replica)


def kill(source: DatabaseServer, chance: random.Random, *, waiting: bool) -> None:
    with suppress(pymysql.MySQLError):  # what it holds ends with the server
        if waiting:
            with hold_locks(source, *BLOCKING):
                give_up = time.monotonic() + 0.5  # the pass may have nothing to do
                while not source.execute(WAITING) and time.monotonic() < give_up:
                    time.sleep(0.01)
                source.stop(signal.SIGKILL)
        else:
            time.sleep(0.01 + chance.random() * 0.03)
            source.stop(signal.SIGKILL)


@contextmanager
def passing(agent: NodeAgent, document: Mapping[str, object]) -> Iterator[list[Readiness]]:
    """A pass that goes on within the block, and has ended after it; what it said."""
    seen: list[Readiness] = []
    thread = threading.Thread(target=lambda: seen.append(agent.run_pass(document)))
    thread.start()
    try:
        yield seen
    finally:
        thread.join(60)
    assert not thread.is_alive()


def assert_equal_accounts(source: DatabaseServer, second: DatabaseServer, replica: Database) -> None:
    """The replica applies everything without an error, and has the accounts of the source then."""
    with closing(source.open()) as database:
        wanted = database.observe().history
    wait_until(
        lambda: replica.observe().history.contains(wanted) or read_channel(replica).applier_error is not None
    )
    assert read_channel(replica).applier_error is None
    assert second.execute(ACCOUNTS) == source.execute(ACCOUNTS)
