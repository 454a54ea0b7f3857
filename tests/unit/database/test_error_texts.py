"""Error texts without the statements that they quote."""

from __future__ import annotations

import pytest

from guestagent.database.connection_errors import remove_query_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Error 'Operation CREATE USER failed for 'u'@'%'' on query. Default database: ''."
            " Query: 'create user u@'%' identified by 'secret''",
            "Error 'Operation CREATE USER failed for 'u'@'%'' on query. Default database: ''",
        ),
        (
            "You have an error in your SQL syntax; check the manual near 'secret' at line 1",
            "You have an error in your SQL syntax; check the manual",
        ),
        ("  two\n  lines  ", "two lines"),
        ("", ""),
    ],
)
def test_a_quoted_statement_is_removed(text: str, expected: str) -> None:
    assert remove_query_text(text) == expected
