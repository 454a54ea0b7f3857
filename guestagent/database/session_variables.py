"""Session variables that every connection sets: our statements rely on them, and a server may have any default."""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.database.sql_statement import SQL_MODE, sql

UINT64_MAX = 18446744073709551615

READ_WRITE = sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")
"""The same text for all versions, unlike the variables."""


def build_session_statement(lock_wait: int) -> str:
    """Build the first statement of a session. Any account may set all of this, a replication account too.

    Only MariaDB executes the part in `/*M! */`, only MySQL the part in `/*!80023 */`. `lock_wait` in seconds.
    """
    # Some errors are distinguished by their English text, and names and passwords are sent as UTF-8.
    common: Mapping[str, str | int] = {
        "sql_mode": SQL_MODE,
        "lc_messages": "'en_US'",
        "autocommit": 1,
        "completion_type": 0,
        "lock_wait_timeout": lock_wait,
        "innodb_lock_wait_timeout": lock_wait,
        "wait_timeout": 28800,  # a pass leaves its session idle while it probes the source
        "net_read_timeout": 30,
        "net_write_timeout": 60,
        "sql_select_limit": UINT64_MAX,
        "max_join_size": UINT64_MAX,
        "sql_big_selects": 1,  # below max_join_size, which sets it to 0
        "sql_safe_updates": 0,
        "sql_auto_is_null": 0,
    }
    # A time limit could end a statement on an account between its row and the binary log.
    mariadb: Mapping[str, str | int] = {
        "max_statement_time": 0,
        "max_session_mem_used": 2**63 - 1,
        "tmp_disk_table_size": UINT64_MAX,
    }
    mysql: Mapping[str, str | int] = {"max_execution_time": 0}
    common_part, mariadb_part, mysql_part = map(_format_assignments, (common, mariadb, mysql))
    return f"SET NAMES utf8mb4{common_part} /*M! {mariadb_part} */ /*!80023 {mysql_part} */"


def _format_assignments(variables: Mapping[str, str | int]) -> str:
    return "".join(f", SESSION {name} = {value}" for name, value in variables.items())
