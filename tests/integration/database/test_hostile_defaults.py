"""Servers whose session defaults would break the agent's statements."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from guestagent.agent.model import Readiness
from guestagent.database.login import connect_socket
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.sql_statement import sql
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer
from tests.support.node_agents import NodeAgent, describe_replica, describe_source

USERS = {"slave0000": "correct horse battery"}
STRANGE_MODE = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE,PIPES_AS_CONCAT"
HOSTILE = {
    "autocommit": "0",
    "completion_type": "'RELEASE'",
    "sql_select_limit": "1",
    "max_join_size": "1",
    "transaction_read_only": "1",
    "tx_read_only": "1",
    "transaction_isolation": "'SERIALIZABLE'",
    "sql_mode": f"'{STRANGE_MODE}'",
    "sql_safe_updates": "1",
    "sql_auto_is_null": "1",
    "sql_quote_show_create": "0",
    "sql_warnings": "1",
    "max_statement_time": "0.000001",
    "max_execution_time": "1",
    "tmp_disk_table_size": "1024",
    "lock_wait_timeout": "1",
    "innodb_lock_wait_timeout": "1",
    "wait_timeout": "1",
    "interactive_timeout": "1",
    "net_read_timeout": "1",
    "net_write_timeout": "1",
    "group_concat_max_len": "4",
    "lc_messages": "'de_DE'",
    "time_zone": "'+13:00'",
    "default_storage_engine": "'MEMORY'",
    "foreign_key_checks": "0",
    "unique_checks": "0",
    "big_tables": "1",
    "old_passwords": "1",
    "character_set_server": "'latin1'",
    "character_set_client": "'latin1'",
    "character_set_results": "'latin1'",
    "collation_connection": "'latin1_bin'",
    "max_error_count": "0",
    "div_precision_increment": "0",
    "query_prealloc_size": "8192",
}
"""By variable; a server uses those that it has."""
BREAKS_CHANNELS = frozenset({"transaction_read_only", "tx_read_only", "tmp_disk_table_size", "max_join_size"})
"""With these defaults no server can replicate, because its own threads use them too."""
KNOWN = "SELECT LOWER(variable_name) AS name, variable_value AS value FROM {} WHERE variable_name IN ({})"
TABLES = {"mariadb": "information_schema.global_variables", "mysql": "performance_schema.global_variables"}


@contextmanager
def set_hostile_defaults(
    server: DatabaseServer, *, except_names: Collection[str] = ()
) -> Iterator[Mapping[str, str | None]]:
    """Set these defaults for all new sessions within the block, and yield the previous values."""
    names = ", ".join(f"'{name}'" for name in HOSTILE if name not in except_names)
    known = server.execute(KNOWN.format(TABLES[server.flavour.family], names))
    before = {str(row["name"]): row["value"] for row in known}
    try:
        set_globals(server, {name: HOSTILE[name] for name in before})
        yield before
    finally:
        set_globals(server, {name: quote_value(value) for name, value in before.items()})


def set_globals(server: DatabaseServer, values: Mapping[str, str]) -> None:
    """Set global variables over a session of the agent, which works with any defaults."""
    with closing(connect_socket(server.socket, "root", 10)) as session:
        for name, value in values.items():
            session.fetch_rows(sql(f"SET GLOBAL {name} = {value}"), "setting a default")


def quote_value(value: str | None) -> str:
    return value if value and value.replace(".", "", 1).isdigit() else f"'{value}'"


def run_until_ready(agent: NodeAgent, document: Mapping[str, object]) -> Readiness:
    """Repeat passes until the node is ready, with a time limit."""
    deadline = time.monotonic() + 20
    while not (readiness := agent.run_pass(document)).is_ready and time.monotonic() < deadline:
        time.sleep(0.1)
    return readiness


def test_a_source_with_hostile_defaults_becomes_ready(server: DatabaseServer, tmp_path: Path) -> None:
    agent = NodeAgent(tmp_path / "agent", server.socket)
    with set_hostile_defaults(server) as defaults:
        assert len(defaults) > 20
        created = agent.run_pass(describe_source(USERS, 1))
        changed = agent.run_pass(describe_source({**USERS, "o'brien\\": 'pä"ss\\'}, 1))
        source_state = TcpSourceProbe(5).probe("127.0.0.1", server.port, "o'brien\\", Secret('pä"ss\\'))

    assert [str(each.worst_condition) for each in (created, changed) if not each.is_ready] == []
    assert source_state.error is None


@pytest.mark.patient
def test_a_replica_with_hostile_defaults_becomes_ready(
    server: DatabaseServer, replica_server: DatabaseServer, tmp_path: Path
) -> None:
    replica = replica_server.reset()
    source_agent, replica_agent = (
        NodeAgent(tmp_path / "1", server.socket),
        NodeAgent(tmp_path / "2", replica.socket),
    )
    replica_document = describe_replica("127.0.0.1", server.port, "slave0000", USERS["slave0000"], 2)
    with (
        set_hostile_defaults(server, except_names=BREAKS_CHANNELS),
        set_hostile_defaults(replica, except_names=BREAKS_CHANNELS),
    ):
        source_readiness, replica_readiness = (
            source_agent.run_pass(describe_source(USERS, 1)),
            run_until_ready(replica_agent, replica_document),
        )

    assert [
        str(each.worst_condition) for each in (source_readiness, replica_readiness) if not each.is_ready
    ] == []
    replica.reset()
