"""The statement with which every session begins."""

from __future__ import annotations

from guestagent.database.session_variables import build_session_statement


def test_one_statement_sets_what_ours_rely_on() -> None:
    spelled = build_session_statement(4)

    assert spelled.startswith("SET NAMES utf8mb4, SESSION sql_mode = ")
    assert "SESSION lock_wait_timeout = 4" in spelled
    assert spelled.index("max_join_size") < spelled.index("sql_big_selects"), (
        "the former sets the latter to 0"
    )
    assert ";" not in spelled


def test_what_only_one_family_knows_is_a_comment_to_the_other() -> None:
    both, _, mariadb = build_session_statement(4).partition("/*M! , ")
    mariadb, _, mysql = mariadb.partition(" */ /*!80023 , ")

    assert "max_statement_time" in mariadb
    assert "max_execution_time" in mysql
    assert "max_statement_time" not in both
