"""Logs that do not show what a replica has applied, and logs of a source with a gap."""

from __future__ import annotations

import pytest

from guestagent.database.binlog_comparison import find_difference, select_required_times
from guestagent.database.mariadb.gtid import MariadbHistory, find_skipped_gtid
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.replica_log import describe_unlogged_gtids

UUID = "d65f5052-eb8e-11f1-b92d-de128938fb1b"


@pytest.mark.parametrize(
    ("logged", "verified", "is_unlogged"),
    [
        ("", (), True),
        ("0-7-8", (), True),
        ("0-7-9", (), False),
        ("0-7-30", (), False),
        ("3-7-2", (), False),  # a log of what was applied: domain 0 may come from a backup
        ("", ("0-7-9",), False),  # accepted
    ],
)
def test_a_log_without_what_was_applied_shows_nothing(
    logged: str, verified: tuple[str, ...], is_unlogged: bool
) -> None:
    since = MariadbHistory.parse("0-7-9,3-7-2")

    assert bool(describe_unlogged_gtids(since, MariadbHistory.parse(logged), verified)) is is_unlogged


@pytest.mark.parametrize(
    ("expected", "logged", "skipped"),
    [
        (["0-7-9", "0-7-10", "0-7-11"], ["0-7-9", "0-7-11"], "0-7-10"),
        (["0-7-9", "0-7-10", "0-7-11"], ["0-7-9", "0-7-10"], ""),  # the log ended early
        (["0-1-12", "0-2-11"], ["0-1-12"], ""),  # numbers of two servers need not ascend
        (["0-7-9"], [], ""),
    ],
)
def test_a_gap_between_transactions_of_one_origin_is_found(
    expected: list[str], logged: list[str], skipped: str
) -> None:
    assert find_skipped_gtid(expected, logged) == skipped


def test_a_gap_is_a_difference_of_mariadb_alone() -> None:
    mariadb = find_difference({"0-7-1": 5, "0-7-2": 6}, {"0-7-2": 6}, MariadbHistory())
    mysql = find_difference({f"{UUID}:1": 5, f"{UUID}:2": 6}, {f"{UUID}:2": 6}, MysqlHistory())

    assert (mariadb, mysql) == ("0-7-1", "")


def test_another_time_is_named_before_a_gap() -> None:
    assert find_difference({"0-7-1": 5, "0-7-2": 6}, {"0-7-2": 7}, MariadbHistory()) == "0-7-2"


def test_accepted_times_count_for_the_first_transactions_of_a_comparison() -> None:
    accepted = {"0-7-9": 5, "3-7-1": 6}

    assert select_required_times(accepted, MariadbHistory.parse("0-7-12,3-7-1")) == {"3-7-1": 6}
    assert select_required_times({f"{UUID}:9": 5}, MysqlHistory.parse(f"{UUID}:9")) == {f"{UUID}:9": 5}


def test_a_position_goes_back_in_each_domain() -> None:
    assert str(MariadbHistory.parse("0-7-1200,3-8-4").go_back(1000)) == "0-7-200,3-8-1"
