"""Options that every channel has alike: stated at each CHANGE, and compared with what the server shows."""

import pytest

from guestagent.database import mariadb, mysql
from guestagent.database.channel_options import (
    FixedOption,
    UnexpectedOption,
    find_unexpected_options,
    format_options,
)
from guestagent.database.mariadb.statements import FIXED_OPTIONS as MARIADB
from guestagent.database.mysql.statements import FIXED_OPTIONS as MYSQL
from guestagent.database.protocols import SqlDialect
from guestagent.database.steps import PointChannel
from guestagent.secret import Secret

DELAY = FixedOption("SOURCE_DELAY", "0", "SQL_Delay", "0")
NEWER = FixedOption("GTID_ONLY", "0", "GTID_ONLY", "0", min_version=80027)
POINT = PointChannel("10.0.0.7", 3306, "slave0000", Secret("pw"))


def test_options_are_stated_and_newer_ones_only_to_servers_that_know_them() -> None:
    assert format_options([DELAY, NEWER]) == ", SOURCE_DELAY = 0 /*!80027 , GTID_ONLY = 0 */"


@pytest.mark.parametrize(
    ("dialect", "options"), [(mariadb.MariadbDialect(), MARIADB), (mysql.MysqlDialect(), MYSQL)]
)
def test_every_change_states_every_option(dialect: SqlDialect, options: tuple[FixedOption, ...]) -> None:
    (statement,) = dialect.format_statements(POINT)

    assert [
        option.name for option in options if f" {option.name} = {option.sql_value}" not in statement
    ] == []


def test_another_value_is_found() -> None:
    assert list(find_unexpected_options([DELAY, NEWER], {"SQL_Delay": "3600", "GTID_ONLY": "0"})) == [
        UnexpectedOption("SOURCE_DELAY", "3600")
    ]


@pytest.mark.parametrize("row", [{"SQL_Delay": "0"}, {}])
def test_what_a_server_does_not_show_is_not_compared(row: dict[str, str | None]) -> None:
    assert not list(find_unexpected_options([DELAY, NEWER], row))


def test_a_missing_value_is_named_so() -> None:
    (found,) = find_unexpected_options(
        [FixedOption("SOURCE_BIND", "''", "Source_Bind", "")], {"Source_Bind": None}
    )

    assert str(found) == "SOURCE_BIND = NULL"


def test_only_options_that_leave_out_changes_are_more_than_drift() -> None:
    assert {option.name for option in (*MARIADB, *MYSQL) if option.can_skip_changes} == {
        "IGNORE_SERVER_IDS",
        "DO_DOMAIN_IDS",
        "IGNORE_DOMAIN_IDS",
    }
