"""A MariaDB replica that is killed while it applies DDL: repaired, or diagnosed."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.agent.model import Readiness
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import limit_to_family
from tests.support.node_agents import NodeAgent, describe_replica
from tests.support.polling import wait_until
from tests.support.replication import PASSWORD, REPLICATOR

pytestmark = limit_to_family("mariadb")

REPLICA_ID = 5
TABLES = "SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables WHERE table_schema = 'd'"
USERS = "SELECT User FROM mysql.global_priv WHERE User LIKE 'visitor%' ORDER BY User"


@contextmanager
def replicating_agent(
    folder: Path, data_template: Path, source: DatabaseServer
) -> Iterator[tuple[DatabaseServer, NodeAgent]]:
    """A replica that has caught up, and its agent."""
    with open_server(folder, data_template, f"server-id={REPLICA_ID}", flavour=source.flavour) as replica:
        agent = NodeAgent(folder / "agent", replica.socket)
        wait_until(lambda: agent.run_pass(describe_node(source)).is_ready, 120)  # it applies everything
        yield replica, agent


def describe_node(source: DatabaseServer) -> dict[str, object]:
    return describe_replica("127.0.0.1", source.port, REPLICATOR.name, PASSWORD.reveal(), REPLICA_ID)


def test_a_logged_and_unrecorded_statement_is_recorded(
    source: DatabaseServer, data_template: Path, tmp_path: Path
) -> None:
    source.execute("CREATE DATABASE d")
    with replicating_agent(tmp_path / "r", data_template, source) as (replica, agent):
        source.execute("CREATE TABLE d.t (a INT)")
        wait_until(lambda: source.query_value("@@gtid_binlog_pos") == replica.query_value("@@gtid_slave_pos"))
        forget_newest_gtid(replica)

        wait_until(lambda: agent.run_pass(describe_node(source)).is_ready)

        source.execute("INSERT INTO d.t VALUES (1)")
        wait_until(lambda: replica.execute("SELECT a FROM d.t") == [{"a": "1"}])


@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.patient)])
@pytest.mark.timeout(900)
def test_kills_during_ddl_are_repaired_or_attributed_to_crash_recovery(
    source: DatabaseServer, data_template: Path, tmp_path: Path, rounds: int
) -> None:
    """Replace a replica if its crash recovery has logged transactions, which must be its diagnosis."""
    source.execute("CREATE DATABASE d")
    left = rounds
    while left:
        with replicating_agent(tmp_path / f"r{left}", data_template, source) as (replica, agent):
            while left:
                left -= 1
                with write_in_background(source, left):
                    time.sleep(0.2 + random.random() * 0.3)
                    replica.stop(signal.SIGKILL)
                replica.start()
                readiness = run_until_ready(agent, source)
                if not readiness.is_ready:
                    assert "the server's own recovery from a crash" in readiness.worst_condition.actual, str(
                        readiness.worst_condition
                    )
                    break
                assert replica.execute(TABLES) == source.execute(TABLES)
                assert replica.execute(USERS) == source.execute(USERS)


def run_until_ready(agent: NodeAgent, source: DatabaseServer) -> Readiness:
    """Repeat passes until the replica is ready or has failed."""
    give_up = time.monotonic() + 60
    while not (readiness := agent.run_pass(describe_node(source))).is_ready:
        if readiness.is_final and readiness.worst_condition.name != "server":
            return readiness
        assert time.monotonic() < give_up, str(readiness.worst_condition)
        time.sleep(0.1)
    return readiness


@contextmanager
def write_in_background(source: DatabaseServer, number: int) -> Iterator[None]:
    """Execute DDL on the source during the block."""
    ended = threading.Event()

    def write() -> None:
        each = 0
        while not ended.is_set():
            each += 1
            name = f"t{number}_{each}"
            source.execute(
                f"CREATE TABLE d.{name} (a INT PRIMARY KEY) ENGINE=InnoDB",
                f"ALTER TABLE d.{name} ADD b INT",
                f"CREATE USER visitor{number}_{each}@'%'",
                f"INSERT INTO d.{name} VALUES (1, 2)",  # noqa: S608
                *((f"DROP TABLE d.{name}", f"DROP USER visitor{number}_{each}@'%'") if each % 4 else ()),
            )

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)


def forget_newest_gtid(replica: DatabaseServer) -> None:
    """Produce the result of a kill between writing the log and the table of positions."""
    position = str(replica.query_value("@@gtid_slave_pos"))
    domain, server, number = position.split("-")
    before = ", ".join((domain, "1", server, str(int(number) - 1)))
    replica.execute("STOP SLAVE")
    replica.execute(
        "SET SESSION sql_log_bin = 0",
        "DELETE FROM mysql.gtid_slave_pos",
        f"INSERT INTO mysql.gtid_slave_pos VALUES ({before})",  # noqa: S608
    )
    replica.stop()
    replica.start()
