"""The page of replication settings agrees with the code. An integration test compares the servers' own lists."""

from __future__ import annotations

import re

import pytest

from guestagent.agent.server_config.settings import RunningServer, build_settings
from guestagent.agent.server_sizes.sizing import HostResources
from guestagent.database import mariadb, mysql
from guestagent.database.harmful_settings import VARIABLE_NAMES, VARIABLE_RULES
from guestagent.database.mariadb.channel_options import FIXED_OPTIONS as MARIADB
from guestagent.database.mysql.channel_options import FIXED_OPTIONS as MYSQL
from guestagent.database.protocols import SqlDialect
from guestagent.database.steps import PointChannel
from guestagent.secret import Secret
from tests.support.replication_page import PAGE, list_all_names, list_names_under

OF_REPLICATION = re.compile(r"repl|slave|binlog|gtid|source|master|relay|rpl|log_bin|semi|server_id")
SERVERS = [
    RunningServer("mariadb", (10, 6, 0)),
    RunningServer("mariadb", (11, 8, 0)),
    RunningServer("mysql", (8, 0, 23)),
    RunningServer("mysql", (9, 7, 0)),
]
DIALECTS: list[SqlDialect] = [mariadb.MariadbDialect(), mysql.MysqlDialect()]
POINT = PointChannel("10.0.0.7", 3306, "slave0000", Secret("pw"))


def test_the_final_variables_are_those_of_the_code() -> None:
    assert list_names_under("Final") == set(VARIABLE_NAMES)


def test_the_row_of_a_final_variable_mentions_the_final_result() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]

    output = {
        rule.name: next(row for row in rows if row.startswith(f"| `{rule.name}`")) for rule in VARIABLE_RULES
    }

    assert [rule.name for rule in VARIABLE_RULES if f"| {rule.side} |" not in output[rule.name]] == []


@pytest.mark.parametrize("server", SERVERS, ids=str)
def test_what_the_option_file_sets_of_replication_is_listed_as_reset(server: RunningServer) -> None:
    machine = HostResources(memory=2**30, disk=2**34)

    names = {each.name for each in build_settings(machine, server, 7, "node", {})}

    assert {name for name in names if OF_REPLICATION.search(name)} <= list_names_under("Reset")


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.family)
def test_every_option_that_a_change_states_is_listed(dialect: SqlDialect) -> None:
    (statement,) = dialect.format_statements(POINT)

    stated = set(re.findall(r"\b([A-Z][A-Z_]+) = ", statement))

    assert len(stated) > 15
    assert stated <= list_names_under("Options of a channel", columns=2)


def test_what_makes_a_channels_difference_final_is_marked() -> None:
    marked = {
        name
        for line in PAGE.read_text().splitlines()
        if "*final*" in line and line.startswith("| ")
        for name in re.findall(r"`([A-Z_]+)`", line)
    }

    assert marked == {option.name for option in (*MARIADB, *MYSQL) if option.can_skip_changes}


def test_no_name_has_two_verdicts() -> None:
    final, left = list_names_under("Final"), list_names_under("Left alone")
    reset = list_names_under("Reset") | list_names_under("Looked at otherwise")

    assert not left & (final | reset)
    assert "binlog_row_image" in list_all_names()
