"""Settings that skip changes, on real servers: each is found, and its undo statement reverts it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.steps import StopChannel
from guestagent.embedded.database_servers import Flavour
from tests.support.database_servers import DatabaseServer
from tests.support.replication import PASSWORD, REPLICATOR, build_point_channel, read_channel

MARIADB = {
    **{f"replicate_{what}_db": "d" for what in ("do", "ignore")},
    **{f"replicate_{what}_table": "d.t" for what in ("do", "ignore", "wild_do", "wild_ignore")},
    "replicate_rewrite_db": "d->e",
    "replicate_events_marked_for_skip": "FILTER_ON_SLAVE",
    "slave_exec_mode": "IDEMPOTENT",
    "slave_type_conversions": "ALL_LOSSY",
    "slave_run_triggers_for_rbr": "LOGGING",
    "gtid_ignore_duplicates": "ON",
}
MYSQL_FILTERS = {
    **{f"replicate_{what}_db": "(d)" for what in ("do", "ignore")},
    **{f"replicate_{what}_table": "(d.t)" for what in ("do", "ignore")},
    **{f"replicate_wild_{what}_table": "('d.%')" for what in ("do", "ignore")},
    "replicate_rewrite_db": "((d, e))",
}
MYSQL = {"replica_exec_mode": "IDEMPOTENT", "replica_type_conversions": "ALL_LOSSY"}


def set_harmful_values(server: DatabaseServer) -> set[str]:
    """Set all of them, and return their names."""
    if server.flavour.family == "mariadb":
        server.execute(*(f"SET GLOBAL {name} = '{value}'" for name, value in MARIADB.items()))
        return set(MARIADB)
    server.execute(*(f"CHANGE REPLICATION FILTER {name} = {value}" for name, value in MYSQL_FILTERS.items()))
    server.execute(*(f"SET GLOBAL {name} = '{value}'" for name, value in MYSQL.items()))
    return {*MYSQL_FILTERS, *MYSQL}


def undo_settings(server: DatabaseServer, database: Database) -> None:
    """Revert all settings that are found, with their undo statements."""
    state = database.observe()
    settings = (*state.harmful_settings, *(state.channel.filters if state.channel is not None else ()))
    server.execute(*(each.undo_statement for each in settings if each.undo_statement), "DO 0")


@pytest.fixture
def harmful_names(replica_server: DatabaseServer, replica: Database) -> Iterator[set[str]]:
    """The names of the settings on a server that has them all; they are reverted at the end."""
    names = set_harmful_values(replica_server)
    yield names
    replica.apply(StopChannel())
    undo_settings(replica_server, replica)
    assert not replica.observe().harmful_settings


def test_a_fresh_server_has_none(database: Database) -> None:
    assert database.observe().harmful_settings == ()


def test_every_harmful_setting_is_found(replica: Database, harmful_names: set[str]) -> None:
    assert {each.name for each in replica.observe().harmful_settings} == harmful_names


def test_the_undo_statement_reverts_the_setting(
    replica_server: DatabaseServer, replica: Database, harmful_names: set[str]
) -> None:
    undo_settings(replica_server, replica)

    assert replica.observe().harmful_settings == ()


def test_a_channel_shows_its_filters(
    source: DatabaseServer, replica: Database, harmful_names: set[str]
) -> None:
    replica.apply(build_point_channel(source))

    shown = {each.name for each in read_channel(replica).filters}

    assert shown == {name for name in harmful_names if name.startswith("replicate_") and "marked" not in name}


def test_a_skip_counter_is_found_before_the_channel_starts(
    source: DatabaseServer, replica_server: DatabaseServer, replica: Database, flavour: Flavour
) -> None:
    name = "sql_replica_skip_counter" if flavour.family == "mysql" else "sql_slave_skip_counter"
    replica.apply(build_point_channel(source))
    replica_server.execute(f"SET GLOBAL {name} = 2")

    (settings,) = replica.observe().harmful_settings
    replica_server.execute(settings.undo_statement)

    assert str(settings) == f"{name} = 2"
    assert replica.observe().harmful_settings == ()


def test_a_replica_reads_how_its_source_logs(source: DatabaseServer) -> None:
    source.execute("SET GLOBAL binlog_format = 'STATEMENT'")
    source_state = TcpSourceProbe(5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)
    source.execute("SET GLOBAL binlog_format = 'ROW'")

    assert [str(each) for each in source_state.harmful_settings] == ["binlog_format = STATEMENT"]
