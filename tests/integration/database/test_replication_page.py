"""docs/reference/replication.md leaves out nothing that a real server knows of replication."""

from __future__ import annotations

import re
import subprocess

import pytest

from guestagent.embedded.servers import within
from tests.integration.database.spoken import only
from tests.integration.servers import Server, root_of
from tests.support.replication_page import all_names, names_under

pytestmark = pytest.mark.every_server

OF_REPLICATION = re.compile(r"repl|slave|binlog|gtid|source|master|relay|rpl|log_bin|semi|server_id")
OPTION = re.compile(r"^ +(?:-\w, )?--([\w-]+)", re.M)
CHANGE = {"mariadb": "CHANGE MASTER TO", "mysql": "CHANGE REPLICATION SOURCE TO"}


def missing(names: set[str]) -> set[str]:
    return {name for name in names if OF_REPLICATION.search(name.lower())} - all_names()


def test_every_variable_is_listed(first: Server) -> None:
    names = {str(row["Variable_name"]).lower() for row in first.ask("SHOW GLOBAL VARIABLES")}

    assert missing(names) == set()


def test_every_option_of_the_program_is_listed(first: Server) -> None:
    help_argv = (first.flavour.daemon, "--no-defaults", "--verbose", "--help")

    told = subprocess.run(within(root_of(first.flavour), help_argv), capture_output=True, text=True, check=True)
    names = {name.replace("-", "_").lower() for name in OPTION.findall(told.stdout)}

    assert len(names) > 500
    assert missing(names) == set()


def test_every_option_of_change_in_the_servers_own_manual_is_listed(first: Server) -> None:
    topics = first.ask("SELECT name, description AS text FROM mysql.help_topic")
    (row,) = (topic for topic in topics if topic["name"] == CHANGE[first.flavour.family])

    names = set(re.findall(r"^ *(?:\| )?([A-Z][A-Z_]+) = ", str(row["text"]), re.M))

    assert "IGNORE_SERVER_IDS" in names
    assert names <= names_under("Options of a channel", columns=2)


@only("mysql")  # MariaDB has them built in
def test_the_variables_of_mysqls_semi_synchronous_plugins_are_listed(first: Server) -> None:
    plugins = ("source", "replica")
    first.ask(*(f"INSTALL PLUGIN rpl_semi_sync_{end} SONAME 'semisync_{end}.so'" for end in plugins))
    names = {str(row["Variable_name"]) for row in first.ask("SHOW GLOBAL VARIABLES LIKE 'rpl_semi%'")}
    first.ask(*(f"UNINSTALL PLUGIN rpl_semi_sync_{end}" for end in plugins))

    assert len(names) == 8
    assert missing(names) == set()
