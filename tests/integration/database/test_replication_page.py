"""docs/reference/replication.md lists all settings of replication that a real server has."""

from __future__ import annotations

import re
import subprocess

import pytest

from guestagent.embedded.database_servers import build_root_command
from tests.support.database_servers import DatabaseServer, provide_server_root
from tests.support.family_statements import limit_to_family
from tests.support.replication_page import list_all_names, list_names_under

pytestmark = pytest.mark.every_server

OF_REPLICATION = re.compile(r"repl|slave|binlog|gtid|source|master|relay|rpl|log_bin|semi|server_id")
OPTION = re.compile(r"^ +(?:-\w, )?--([\w-]+)", re.M)
CHANGE = {"mariadb": "CHANGE MASTER TO", "mysql": "CHANGE REPLICATION SOURCE TO"}


def find_missing(names: set[str]) -> set[str]:
    return {name for name in names if OF_REPLICATION.search(name.lower())} - list_all_names()


def test_every_variable_is_listed(source_server: DatabaseServer) -> None:
    names = {str(row["Variable_name"]).lower() for row in source_server.execute("SHOW GLOBAL VARIABLES")}

    assert find_missing(names) == set()


def test_every_option_of_the_program_is_listed(source_server: DatabaseServer) -> None:
    help_argv = (source_server.flavour.server_program, "--no-defaults", "--verbose", "--help")

    process = subprocess.run(
        build_root_command(provide_server_root(source_server.flavour), help_argv),
        capture_output=True,
        text=True,
        check=True,
    )
    names = {name.replace("-", "_").lower() for name in OPTION.findall(process.stdout)}

    assert len(names) > 500
    assert find_missing(names) == set()


def test_every_option_of_change_in_the_servers_own_manual_is_listed(source_server: DatabaseServer) -> None:
    topics = source_server.execute("SELECT name, description AS text FROM mysql.help_topic")
    (row,) = (topic for topic in topics if topic["name"] == CHANGE[source_server.flavour.family])

    names = set(re.findall(r"^ *(?:\| )?([A-Z][A-Z_]+) = ", str(row["text"]), re.M))

    assert "IGNORE_SERVER_IDS" in names
    assert names <= list_names_under("Options of a channel", columns=2)


@limit_to_family("mysql")  # MariaDB has them built in
def test_the_variables_of_mysqls_semi_synchronous_plugins_are_listed(source_server: DatabaseServer) -> None:
    plugins = ("source", "replica")
    source_server.execute(
        *(f"INSTALL PLUGIN rpl_semi_sync_{end} SONAME 'semisync_{end}.so'" for end in plugins)
    )
    names = {
        str(row["Variable_name"]) for row in source_server.execute("SHOW GLOBAL VARIABLES LIKE 'rpl_semi%'")
    }
    source_server.execute(*(f"UNINSTALL PLUGIN rpl_semi_sync_{end}" for end in plugins))

    assert len(names) == 8
    assert find_missing(names) == set()
