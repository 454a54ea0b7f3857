"""Steps and logins that the local server rejects, for good or for a while."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing

import pymysql

from tests.failures.row import FailureArea, expect_final, expect_late
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("steps that the server rejects")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(mariadb=expect_final("step", "strict_password_validation rejects every hash"))
def a_password_policy_that_rejects_every_hash(pair: Pair) -> ScenarioAnswers:
    pair.source.server.execute("INSTALL SONAME 'simple_password_check'")
    yield pair.source.apply(pair.build_source_document())
    pair.source.server.execute("UNINSTALL SONAME 'simple_password_check'")
    pair.prepare_source()


@area.row(expect_final("step", "the server runs without accounts"))
def a_server_started_without_grant_tables(pair: Pair) -> ScenarioAnswers:
    pair.restart_server(pair.source, "skip-grant-tables")
    yield pair.source.apply(pair.build_source_document())
    pair.restart_server(pair.source)
    pair.prepare_source()


@area.row(expect_final("step", "root lacks a privilege"), heals=False)
def a_root_account_without_the_replication_privileges(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.prepare_source()
    privilege = pair.choose_statement(mariadb="REPLICATION SLAVE ADMIN", mysql="REPLICATION_SLAVE_ADMIN")
    pair.execute_unlogged(f"REVOKE SUPER, {privilege} ON *.* FROM root@localhost")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mysql=expect_final("step", "InnoDB takes no writes"))
def innodb_in_read_only_mode(pair: Pair) -> ScenarioAnswers:
    pair.restart_server(pair.source, "innodb-read-only=1")
    yield pair.source.apply(pair.build_source_document())
    pair.restart_server(pair.source)
    pair.prepare_source()


@area.row(expect_late("server", "Too many connections; end sessions"))
def a_database_server_with_no_connection_left(pair: Pair) -> ScenarioAnswers:
    server = pair.source.server
    default_limit = server.query_value("@@max_connections")
    server.execute("SET GLOBAL max_connections = 10")
    with ExitStack() as stack:
        try:
            while True:
                stack.enter_context(closing(server.connect()))
        except pymysql.OperationalError:
            yield pair.source.apply(pair.build_source_document())
    server.execute(f"SET GLOBAL max_connections = {default_limit}")
    pair.prepare_source()
