"""Settings that leave out changes, on real servers: each is seen, and the statement that is told takes it back."""

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


def set_all(server: DatabaseServer) -> set[str]:
    """Set all of them; their names."""
    if server.flavour.family == "mariadb":
        server.execute(*(f"SET GLOBAL {name} = '{value}'" for name, value in MARIADB.items()))
        return set(MARIADB)
    server.execute(*(f"CHANGE REPLICATION FILTER {name} = {value}" for name, value in MYSQL_FILTERS.items()))
    server.execute(*(f"SET GLOBAL {name} = '{value}'" for name, value in MYSQL.items()))
    return {*MYSQL_FILTERS, *MYSQL}


def undo_all(server: DatabaseServer, database: Database) -> None:
    """Take back whatever is found, with the statements that a person is told."""
    state = database.observe()
    found = (*state.harmful_settings, *(state.channel.filters if state.channel is not None else ()))
    server.execute(*(each.undo_statement for each in found if each.undo_statement), "DO 0")


@pytest.fixture
def skipping(second: DatabaseServer, replica: Database) -> Iterator[set[str]]:
    """A server with all of them; as it was before at the end."""
    names = set_all(second)
    yield names
    replica.apply(StopChannel())
    undo_all(second, replica)
    assert not replica.observe().harmful_settings


def test_a_fresh_server_has_none(database: Database) -> None:
    assert database.observe().harmful_settings == ()


def test_every_one_is_seen(replica: Database, skipping: set[str]) -> None:
    assert {each.name for each in replica.observe().harmful_settings} == skipping


def test_the_statement_that_is_told_takes_it_back(
    second: DatabaseServer, replica: Database, skipping: set[str]
) -> None:
    undo_all(second, replica)

    assert replica.observe().harmful_settings == ()


def test_a_channel_shows_its_filters(source: DatabaseServer, replica: Database, skipping: set[str]) -> None:
    replica.apply(build_point_channel(source))

    shown = {each.name for each in read_channel(replica).filters}

    assert shown == {name for name in skipping if name.startswith("replicate_") and "marked" not in name}


def test_a_count_of_changes_to_skip_is_seen_before_a_start_uses_it(
    source: DatabaseServer, second: DatabaseServer, replica: Database, flavour: Flavour
) -> None:
    name = "sql_replica_skip_counter" if flavour.family == "mysql" else "sql_slave_skip_counter"
    replica.apply(build_point_channel(source))
    second.execute(f"SET GLOBAL {name} = 2")

    (found,) = replica.observe().harmful_settings
    second.execute(found.undo_statement)

    assert str(found) == f"{name} = 2"
    assert replica.observe().harmful_settings == ()


def test_a_replica_sees_how_its_source_logs(source: DatabaseServer) -> None:
    source.execute("SET GLOBAL binlog_format = 'STATEMENT'")
    seen = TcpSourceProbe(5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)
    source.execute("SET GLOBAL binlog_format = 'ROW'")

    assert [str(each) for each in seen.harmful_settings] == ["binlog_format = STATEMENT"]
