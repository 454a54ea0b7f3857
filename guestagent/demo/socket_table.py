"""The demo's table over a guest's own socket, as its root: the way that the agent takes, seen from outside."""

from __future__ import annotations

from collections.abc import Callable

from guestagent.database.driver import Connection, Row, connect_socket
from guestagent.database.sql_statement import Statement, sql

QUERY_TIMEOUT_S = 10.0


class SocketTable:
    """`socket` finds the path when it is needed; DatabaseUnreachable where there is none yet."""

    def __init__(self, socket: Callable[[], str]) -> None:
        self._socket = socket
        self._connection: Connection | None = None

    def create(self) -> None:
        self._rows(sql("CREATE DATABASE demo"), "making the demo's database")
        self._rows(sql("CREATE TABLE demo.written (number INT PRIMARY KEY)"), "making the demo's table")

    def insert(self, number: int) -> None:
        self._rows(sql("INSERT INTO demo.written VALUES ({})", number), f"writing row {number}")

    def count(self) -> int:
        return int(self._rows(sql("SELECT COUNT(*) AS n FROM demo.written"), "counting rows")[0]["n"] or 0)

    def read_numbers(self) -> frozenset[int]:
        rows = self._rows(sql("SELECT number FROM demo.written"), "reading rows")
        return frozenset(int(row["number"] or 0) for row in rows)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, statement: Statement, doing: str) -> list[Row]:
        if self._connection is None:
            self._connection = connect_socket(self._socket(), "root", QUERY_TIMEOUT_S)
        return self._connection.fetch_rows(statement, doing)
