"""A statement that waits in the server after its session was closed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from guestagent.database.pending_statement import PendingStatement
from guestagent.database.steps import StopChannel
from guestagent.embedded.database_servers import Flavour
from guestagent.errors import DatabaseUnreachable
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.polling import wait_until
from tests.support.replication import start_replication
from tests.support.table_locks import hold_locks

pytestmark = pytest.mark.every_server

LOCK_STATE = "Waiting for table metadata lock"


def find_pending_statement(server: DatabaseServer) -> PendingStatement | None:
    with closing(server.open()) as database:
        return database.observe().pending_statement


def count_sessions(server: DatabaseServer, state: str) -> int:
    return sum(row["State"] == state for row in server.execute("SHOW PROCESSLIST"))


@pytest.mark.parametrize("option", ["performance-schema=ON", "performance-schema=OFF"])
def test_a_stop_that_waits_for_the_applier_is_observed_until_it_ends(
    source: DatabaseServer, flavour: Flavour, data_template: Path, tmp_path: Path, option: str
) -> None:
    source.execute("CREATE DATABASE d", "CREATE TABLE d.t (a INT)")
    with open_server(tmp_path / "s", data_template, "server-id=3", option, flavour=flavour) as server:
        with closing(server.open()) as replica, closing(source.open()) as source_database:
            start_replication(replica, source)
            wait_until(lambda: replica.observe().history.contains(source_database.observe().history))
        with hold_locks(server, "LOCK TABLES d.t READ"):
            source.execute("ALTER TABLE d.t ADD b INT")
            wait_until(lambda: count_sessions(server, LOCK_STATE) == 1)
            with (
                closing(server.open(timeout=1.0)) as replica,
                pytest.raises(DatabaseUnreachable, match="timed out"),
            ):
                replica.apply(StopChannel())

            statement = find_pending_statement(server)

            # KILL does not end it: the agent can only wait.
            (session,) = (
                row for row in server.execute("SHOW PROCESSLIST") if row["Info"] == get_stop_statement(server)
            )
            server.execute(f"KILL {session['Id']}")
            assert statement is not None
            assert statement.name == get_stop_statement(server)
            if flavour.family == "mariadb" or option.endswith("ON"):
                assert statement.applier_states == (LOCK_STATE,)
            assert find_pending_statement(server) is not None
        wait_until(lambda: find_pending_statement(server) is None)


def get_stop_statement(server: DatabaseServer) -> str:
    return {"mariadb": "STOP SLAVE", "mysql": "STOP REPLICA"}[server.flavour.family]
