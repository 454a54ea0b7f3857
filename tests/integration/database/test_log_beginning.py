"""Finding data that a source's log does not create, on real servers."""

from __future__ import annotations

from guestagent.database.protocols import Database
from tests.support.database_servers import DatabaseServer

SHOP = ("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT)")
UNLOGGED = "SET SESSION sql_log_bin = 0"


def reset_log(server: DatabaseServer) -> None:
    server.execute("RESET BINARY LOGS AND GTIDS" if server.flavour.family == "mysql" else "RESET MASTER")


def test_a_logged_schema_is_found_in_the_log(server: DatabaseServer, database: Database) -> None:
    server.execute(*SHOP, "USE shop", "INSERT INTO orders VALUES (1)", "CREATE SCHEMA IF NOT EXISTS `e-x`")

    assert database.observe().unlogged_data == ()


def test_a_log_of_many_files_is_read_from_its_beginning(server: DatabaseServer, database: Database) -> None:
    server.execute("FLUSH BINARY LOGS", *SHOP, "FLUSH BINARY LOGS", "INSERT INTO shop.orders VALUES (1)")
    server.execute(UNLOGGED, "CREATE DATABASE past_the_log")

    assert database.observe().unlogged_data == ("past_the_log",)


def test_the_agents_own_statements_create_no_schema(source: DatabaseServer, database: Database) -> None:
    source.execute(UNLOGGED, *SHOP)

    assert database.observe().unlogged_data == ("shop",)


def test_a_reset_log_does_not_create_the_earlier_schemas(server: DatabaseServer, database: Database) -> None:
    server.execute(*SHOP)
    reset_log(server)
    at_once = database.observe().unlogged_data
    server.execute("SET SESSION binlog_format = 'ROW'", "INSERT INTO shop.orders VALUES (1)")

    assert at_once == ("shop",)
    assert database.observe().unlogged_data == ("shop",)


def test_a_long_log_that_begins_with_a_change_does_not_create_the_schema(
    server: DatabaseServer, database: Database
) -> None:
    server.execute(*SHOP)
    reset_log(server)
    server.execute("SET SESSION binlog_format = 'ROW'", *["INSERT INTO shop.orders VALUES (1)"] * 50)

    assert database.observe().unlogged_data == ("shop",)


def test_a_log_without_its_beginning_is_not_checked(server: DatabaseServer, database: Database) -> None:
    server.execute(*SHOP, "FLUSH BINARY LOGS", "INSERT INTO shop.orders VALUES (1)")
    server.execute(f"PURGE BINARY LOGS TO '{server.read_position()[0]}'")

    assert database.observe().unlogged_data == ()


def test_a_position_from_a_dump_counts_only_if_the_log_was_purged(
    server: DatabaseServer, database: Database
) -> None:
    server.execute(UNLOGGED, *SHOP)
    if server.flavour.family == "mysql":
        server.execute("SET GLOBAL gtid_purged = '+11111111-71ca-11e1-9e33-c80aa9429562:1-9'")
        assert database.observe().unlogged_data == ()
        return
    server.execute("SET GLOBAL gtid_slave_pos = '0-5-9'")
    declared = database.observe().unlogged_data
    reset_log(server)
    server.execute("SET GLOBAL gtid_binlog_state = '0-5-9'")

    assert declared == ("shop", "0-5-9")
    assert database.observe().unlogged_data == ()
