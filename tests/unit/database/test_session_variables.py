"""The first statement of every session."""

from __future__ import annotations

from guestagent.database.session_variables import build_session_statement


def test_one_statement_sets_all_session_variables() -> None:
    spelled = build_session_statement(4)

    assert spelled.startswith("SET NAMES utf8mb4, SESSION sql_mode = ")
    assert "SESSION lock_wait_timeout = 4" in spelled
    assert spelled.index("max_join_size") < spelled.index("sql_big_selects"), (
        "the former sets the latter to 0"
    )
    assert ";" not in spelled


def test_variables_of_one_family_are_in_its_comments() -> None:
    both, _, mariadb = build_session_statement(4).partition("/*M! , ")
    mariadb, _, mysql = mariadb.partition(" */ /*!80023 , ")

    assert "max_statement_time" in mariadb
    assert "max_execution_time" in mysql
    assert "max_statement_time" not in both
