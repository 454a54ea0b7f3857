"""The demo's table, over the guest's own socket as root: the same login as the agent's, from outside the guest."""

from __future__ import annotations

import time
from collections.abc import Callable

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.login import connect_socket
from guestagent.database.sql_statement import Statement, sql
from guestagent.errors import DatabaseUnreachable

QUERY_TIMEOUT_S = 10.0
PURGE_TIMEOUT_S = 60.0
PURGE_INTERVAL_S = 0.5
FIRST_LOG_SUFFIX = ".000001"


class SocketTable:
    """A table that connects when it is first used. `find_socket` may raise DatabaseUnreachable."""

    def __init__(self, find_socket: Callable[[], str]) -> None:
        self._find_socket = find_socket
        self._connection: Connection | None = None

    def create(self) -> None:
        self._execute(sql("CREATE DATABASE demo"), "creating the demo's database")
        self._execute(sql("CREATE TABLE demo.written (number INT PRIMARY KEY)"), "creating the demo's table")

    def insert(self, number: int) -> None:
        self._execute(sql("INSERT INTO demo.written VALUES ({})", number), f"writing row {number}")

    def fill(self, mebibytes: int) -> None:
        create = "CREATE TABLE demo.filler (number INT AUTO_INCREMENT PRIMARY KEY, pad MEDIUMBLOB)"
        self._execute(sql(create), "creating a table for data")
        # Blocks of random bytes: nothing on the way can compress them well.
        for _ in range(mebibytes):
            insert = "INSERT INTO demo.filler (pad) SELECT REPEAT(RANDOM_BYTES(1024), 1020)"
            self._execute(sql(insert), "writing data")
        self._purge_logs()

    def _purge_logs(self) -> None:
        """Purge all logs but the newest one. The server keeps a log until the replicas have read it."""
        deadline = time.monotonic() + PURGE_TIMEOUT_S
        while True:
            for statement in ("FLUSH BINARY LOGS", "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY"):
                self._execute(sql(statement), "purging the binary logs")
            rows = self._execute(sql("SHOW BINARY LOGS"), "listing the binary logs")
            if not str(rows[0]["Log_name"]).endswith(FIRST_LOG_SUFFIX):
                return
            if time.monotonic() >= deadline:
                raise DatabaseUnreachable("the replicas do not read the source's binary logs to their end")
            time.sleep(PURGE_INTERVAL_S)

    def count(self) -> int:
        rows = self._execute(sql("SELECT COUNT(*) AS n FROM demo.written"), "counting rows")
        return int(rows[0]["n"] or 0)

    def read_numbers(self) -> frozenset[int]:
        rows = self._execute(sql("SELECT number FROM demo.written"), "reading rows")
        return frozenset(int(row["number"] or 0) for row in rows)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _execute(self, statement: Statement, action: str) -> list[Row]:
        if self._connection is None:
            self._connection = connect_socket(self._find_socket(), "root", QUERY_TIMEOUT_S)
        return self._connection.fetch_rows(statement, action)
