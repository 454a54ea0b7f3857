"""Options that are the same for every channel: set at each CHANGE, and compared with the status."""

import pytest

from guestagent.database import mariadb, mysql
from guestagent.database.channel_options import (
    FixedOption,
    UnexpectedOption,
    find_unexpected_options,
    format_options,
)
from guestagent.database.mariadb.channel_options import FIXED_OPTIONS as MARIADB
from guestagent.database.mysql.channel_options import FIXED_OPTIONS as MYSQL
from guestagent.database.protocols import SqlDialect
from guestagent.database.steps import PointChannel
from guestagent.secret import Secret

DELAY = FixedOption("SOURCE_DELAY", "0", "SQL_Delay", "0")
NEWER = FixedOption("GTID_ONLY", "0", "GTID_ONLY", "0", min_version=80027)
POINT = PointChannel("10.0.0.7", 3306, "slave0000", Secret("pw"))


def test_newer_options_are_set_only_on_servers_that_have_them() -> None:
    assert format_options([DELAY, NEWER]) == ", SOURCE_DELAY = 0 /*!80027 , GTID_ONLY = 0 */"


@pytest.mark.parametrize(
    ("dialect", "options"), [(mariadb.MariadbDialect(), MARIADB), (mysql.MysqlDialect(), MYSQL)]
)
def test_every_change_sets_all_options(dialect: SqlDialect, options: tuple[FixedOption, ...]) -> None:
    (statement,) = dialect.format_statements(POINT)

    assert [
        option.name for option in options if f" {option.name} = {option.sql_value}" not in statement
    ] == []


def test_an_option_with_another_value_is_found() -> None:
    assert list(find_unexpected_options([DELAY, NEWER], {"SQL_Delay": "3600", "GTID_ONLY": "0"})) == [
        UnexpectedOption("SOURCE_DELAY", "3600")
    ]


@pytest.mark.parametrize("row", [{"SQL_Delay": "0"}, {}])
def test_an_option_that_the_server_does_not_show_is_skipped(row: dict[str, str | None]) -> None:
    assert not list(find_unexpected_options([DELAY, NEWER], row))


def test_a_missing_value_is_shown_as_null() -> None:
    (option,) = find_unexpected_options(
        [FixedOption("SOURCE_BIND", "''", "Source_Bind", "")], {"Source_Bind": None}
    )

    assert str(option) == "SOURCE_BIND = NULL"


def test_only_options_that_can_skip_changes_are_more_than_drift() -> None:
    assert {option.name for option in (*MARIADB, *MYSQL) if option.can_skip_changes} == {
        "IGNORE_SERVER_IDS",
        "DO_DOMAIN_IDS",
        "IGNORE_DOMAIN_IDS",
    }
