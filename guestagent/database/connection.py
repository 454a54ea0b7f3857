"""A connection to a server: statements, the binary log dump, and temporary changes to the session."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.database.connection_errors import NoAnswer
from guestagent.database.driver import DriverSession, Row
from guestagent.database.lock_wait import build_lock_wait_statement
from guestagent.database.sql_statement import Statement

DUMP_TIMEOUT_S = 10.0
DUMP_BYTES_LIMIT = 64 * 1024 * 1024
COM_QUERY = 0x03
EOF_PACKET_HEADER, MIN_EVENT_SIZE = b"\xfe", 9

LONG_QUERY_TIMEOUT_S = 604800.0
"""A query may read through a large table for hours."""

TOTAL_TIMEOUT_FACTOR = 2
"""A whole response, or a whole login, may take this many timeouts; the first byte may take one."""


class Connection:
    """A session with a server. Every response is waited for at most until its timeout; then the session is closed."""

    def __init__(self, session: DriverSession) -> None:
        self._session, self._deadline = session, math.inf

    def limit_total_time(self, seconds: float) -> None:
        """Limit the time of all further responses together."""
        self._deadline = time.monotonic() + seconds

    def allow_long_queries(self) -> None:
        """Wait for each further response for up to a week. TCP keepalive ends a dead connection much earlier."""
        self._session.read_timeout = LONG_QUERY_TIMEOUT_S

    def fetch_rows(self, statement: Statement, operation: str) -> list[Row]:
        """Run a statement and return its rows. An error names the `operation`."""
        seconds = min(TOTAL_TIMEOUT_FACTOR * self._session.read_timeout, self._deadline - time.monotonic())
        with self._close_if_unreachable():
            return self._session.fetch_rows(statement, operation, seconds)

    def dump_binlog(
        self, command: int, request: bytes, operation: str, size_limit: int = DUMP_BYTES_LIMIT
    ) -> Iterator[bytes]:
        """Request the binary log as a replica does, and yield its events. The session cannot be used afterwards.

        It ends at the end of the log. NoAnswer after DUMP_TIMEOUT_S: a source may have to read through a whole file
        before it reaches the requested events. NoAnswer also after `size_limit` bytes: rows may be large. The first
        byte of a packet belongs to the protocol.
        """
        deadline, size = time.monotonic() + DUMP_TIMEOUT_S, 0
        self._session.send_command(command, request, operation)
        while (remaining := deadline - time.monotonic()) > 0 and size < size_limit:
            with self._close_if_unreachable():
                packet = self._session.read_packet(operation, remaining)
            size += len(packet)
            if packet[:1] == EOF_PACKET_HEADER and len(packet) < MIN_EVENT_SIZE:
                return
            yield packet[1:]
        self.close()
        limit = f"{size} bytes" if remaining > 0 else f"{DUMP_TIMEOUT_S:g} s"
        raise NoAnswer(operation, 0, f"it was stopped after {limit}, before the end of the log")

    def send_statement(self, statement: Statement, operation: str) -> None:
        """Send a statement that may take hours. Its response, which has no rows, is read by `read_response`."""
        with self._close_if_unreachable():
            self._session.send_command(COM_QUERY, statement.reveal().encode(), operation)

    def has_response(self, seconds: float) -> bool:
        """Return whether the statement that was sent has ended, within `seconds`."""
        return self._session.has_response(seconds)

    def read_response(self, statement: Statement, operation: str) -> None:
        """Read the response of the statement that was sent. DatabaseRefused if it failed."""
        with self._close_if_unreachable():
            self._session.read_packet(operation, self._session.read_timeout, statement)

    @contextmanager
    def apply_temporarily(self, before: Statement, after: Statement, operation: str) -> Iterator[None]:
        """Run `before`, the block, and then `after`, even if the block fails."""
        self.fetch_rows(before, operation)
        try:
            yield
        finally:
            self.fetch_rows(after, operation)

    @contextmanager
    def extend_lock_wait(self, seconds: float, operation: str) -> Iterator[None]:
        """Within the block, let a statement wait for a lock for `seconds`, and wait as long for its response."""
        usual_timeout = self._session.read_timeout
        timeout = max(usual_timeout, seconds)
        lengthen, restore = map(build_lock_wait_statement, (timeout, usual_timeout))
        with self.apply_temporarily(lengthen, restore, operation):
            self._session.read_timeout = timeout
            try:
                yield
            finally:
                self._session.read_timeout = usual_timeout

    def close(self) -> None:
        self._session.close()

    @contextmanager
    def _close_if_unreachable(self) -> Iterator[None]:
        try:
            yield
        except NoAnswer:
            self.close()
            raise
