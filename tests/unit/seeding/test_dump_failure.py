"""Which failures of a dump's programs pass by themselves."""

from __future__ import annotations

import pytest

from guestagent.errors import DatabaseRefused
from guestagent.seeding.dump_failure import build_dump_error, build_load_error, build_statement_error


@pytest.mark.parametrize(
    ("words", "is_transient", "advice"),
    [
        (
            "mysqldump: Got error: 1045: Access denied for user 'd'@'h' (using password: YES) when trying to connect",
            True,
            "",
        ),
        ("mariadb-dump: Error 2013: Lost connection to server when dumping table `t` at row: 9", True, ""),
        (
            "mysqldump: Error 1412: Table definition has changed, please retry transaction when dumping table `t`",
            True,
            "",
        ),
        (
            "mysqldump: Couldn't execute 'FLUSH TABLES': Access denied; you need RELOAD (1227)",
            False,
            "Method dump",
        ),
        (
            "mysqldump: [ERROR] unknown option '--set-gtid-purged'",
            False,
            "install the server's version of it",
        ),
    ],
)
def test_a_dump_fails(words: str, is_transient: bool, advice: str) -> None:
    error = build_dump_error("mysqldump", words)

    assert error.is_transient is is_transient
    assert advice in error.advice


@pytest.mark.parametrize(
    ("words", "is_transient", "advice"),
    [
        ("ERROR 2013 (HY000) at line 9: Lost connection to MySQL server during query", True, ""),
        ("ERROR 2002 (HY000): Can't connect to local server through socket '/s' (111)", True, ""),
        ("", True, ""),
        ("ERROR 3 (HY000) at line 9: Error writing file './shop/t.MYD' (Errcode: 28)", True, ""),
        (
            "ERROR 1 (HY000) at line 9: Can't create/write to file '/far/t.MYD' (Errcode: 2)",
            False,
            "create the folder",
        ),
        (
            "ERROR 3121 (HY000) at line 9: The DATA DIRECTORY location must be in",
            False,
            "innodb_directories must name",
        ),
        (
            "ERROR 1273 (HY000) at line 30: Unknown collation: 'utf8mb4_0900_ai_ci'",
            False,
            "of a newer version",
        ),
        (
            "ERROR 1525 (HY000) at line 247: Incorrect row_start value: '2026'",
            False,
            "the two versions differ",
        ),
    ],
)
def test_a_load_fails(words: str, is_transient: bool, advice: str) -> None:
    error = build_load_error("mysql", words)

    assert error.is_transient is is_transient
    assert advice in error.advice


def test_no_row_is_quoted() -> None:
    words = (
        "-------------- INSERT INTO t VALUES ('secret') -------------- ERROR 1064 at line 1: near 'secret' at"
    )

    assert "secret" not in str(build_load_error("mariadb", words))


@pytest.mark.parametrize(("number", "is_transient"), [(1524, False), (1396, False), (1205, True)])
def test_a_statement_that_the_server_rejects_is_judged_by_its_number(number: int, is_transient: bool) -> None:
    rejection = DatabaseRefused("creating the source's accounts", number, "Plugin 'ed25519' is not loaded")

    error = build_statement_error(rejection)

    assert error.is_transient is is_transient
    assert f"returned error {number}" in str(error)
