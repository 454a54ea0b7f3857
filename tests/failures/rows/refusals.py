"""Steps and logins that the local server rejects, for good or for a while."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing

import pymysql

from tests.failures.pair import Pair, Told
from tests.failures.row import Area, final, late

area = Area("steps that the server rejects")
Telling = Generator[Told, None, None]


@area.row(mariadb=final("step", "strict_password_validation rejects every hash"))
def a_password_policy_that_admits_no_hash(pair: Pair) -> Telling:
    pair.source.server.ask("INSTALL SONAME 'simple_password_check'")
    yield pair.source.apply(pair.source_document())
    pair.source.server.ask("UNINSTALL SONAME 'simple_password_check'")
    pair.with_source()


@area.row(final("step", "the server runs without accounts"))
def a_server_that_runs_without_accounts(pair: Pair) -> Telling:
    pair.restarted(pair.source, "skip-grant-tables")
    yield pair.source.apply(pair.source_document())
    pair.restarted(pair.source)
    pair.with_source()


@area.row(final("step", "root lacks a privilege"), heals=False)
def a_root_that_may_not_change_the_channel(pair: Pair) -> Telling:
    pair.spoiled = True
    pair.with_source()
    right = pair.say(mariadb="REPLICATION SLAVE ADMIN", mysql="REPLICATION_SLAVE_ADMIN")
    pair.unlogged(f"REVOKE SUPER, {right} ON *.* FROM root@localhost")
    yield pair.replica.apply(pair.replica_document())


@area.row(mysql=final("step", "InnoDB takes no writes"))
def an_InnoDB_that_takes_no_writes(pair: Pair) -> Telling:  # noqa: N802 - its name in the table
    pair.restarted(pair.source, "innodb-read-only=1")
    yield pair.source.apply(pair.source_document())
    pair.restarted(pair.source)
    pair.with_source()


@area.row(late("server", "Too many connections; end sessions"))
def a_server_with_no_connection_left(pair: Pair) -> Telling:
    server = pair.source.server
    usual = server.value("@@max_connections")
    server.ask("SET GLOBAL max_connections = 10")
    with ExitStack() as stack:
        try:
            while True:
                stack.enter_context(closing(server._connected()))
        except pymysql.OperationalError:
            yield pair.source.apply(pair.source_document())
    server.ask(f"SET GLOBAL max_connections = {usual}")
    pair.with_source()
