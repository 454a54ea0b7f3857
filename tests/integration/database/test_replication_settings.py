"""Settings that leave out changes, on real servers: each is seen, and the statement that is told takes it back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guestagent.database.edge import Database
from guestagent.database.sourceview import TcpSourceView
from guestagent.database.steps import StopChannel
from guestagent.embedded.servers import Flavour
from tests.integration.database.following import PASSWORD, REPLICATOR, channel_of, point
from tests.integration.servers import Server

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


def set_all(server: Server) -> set[str]:
    """Set all of them; their names."""
    if server.flavour.family == "mariadb":
        server.ask(*(f"SET GLOBAL {name} = '{value}'" for name, value in MARIADB.items()))
        return set(MARIADB)
    server.ask(*(f"CHANGE REPLICATION FILTER {name} = {value}" for name, value in MYSQL_FILTERS.items()))
    server.ask(*(f"SET GLOBAL {name} = '{value}'" for name, value in MYSQL.items()))
    return {*MYSQL_FILTERS, *MYSQL}


def undo_all(server: Server, database: Database) -> None:
    """Take back whatever is found, with the statements that a person is told."""
    state = database.observe()
    found = (*state.skipping, *(state.channel.filters if state.channel is not None else ()))
    server.ask(*(each.undo for each in found if each.undo), "DO 0")


@pytest.fixture
def skipping(second: Server, replica: Database) -> Iterator[set[str]]:
    """A server with all of them; as it was before at the end."""
    names = set_all(second)
    yield names
    replica.apply(StopChannel())
    undo_all(second, replica)
    assert not replica.observe().skipping


def test_a_fresh_server_has_none(database: Database) -> None:
    assert database.observe().skipping == ()


def test_every_one_is_seen(replica: Database, skipping: set[str]) -> None:
    assert {each.name for each in replica.observe().skipping} == skipping


def test_the_statement_that_is_told_takes_it_back(
    second: Server, replica: Database, skipping: set[str]
) -> None:
    undo_all(second, replica)

    assert replica.observe().skipping == ()


def test_a_channel_shows_its_filters(source: Server, replica: Database, skipping: set[str]) -> None:
    replica.apply(point(source))

    shown = {each.name for each in channel_of(replica).filters}

    assert shown == {name for name in skipping if name.startswith("replicate_") and "marked" not in name}


def test_a_count_of_changes_to_skip_is_seen_before_a_start_uses_it(
    source: Server, second: Server, replica: Database, flavour: Flavour
) -> None:
    name = "sql_replica_skip_counter" if flavour.family == "mysql" else "sql_slave_skip_counter"
    replica.apply(point(source))
    second.ask(f"SET GLOBAL {name} = 2")

    (found,) = replica.observe().skipping
    second.ask(found.undo)

    assert str(found) == f"{name} = 2"
    assert replica.observe().skipping == ()


def test_a_replica_sees_how_its_source_logs(source: Server) -> None:
    source.ask("SET GLOBAL binlog_format = 'STATEMENT'")
    seen = TcpSourceView(5).look("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)
    source.ask("SET GLOBAL binlog_format = 'ROW'")

    assert [str(each) for each in seen.skipping] == ["binlog_format = STATEMENT"]
