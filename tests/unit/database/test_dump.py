"""A binary log that is longer than one reading: its end is never mistaken for the end of the log."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from guestagent.database.driver import END_OF_LOG, Connection, NoAnswer


class Sender:
    """Stands for PyMySQL's session with a server that sends these packets."""

    def __init__(self, *packets: bytes) -> None:
        self._packets = iter(packets)

    def _execute_command(self, command: int, request: bytes) -> None:
        pass

    def _read_packet(self) -> SimpleNamespace:
        return SimpleNamespace(_data=next(self._packets))

    def close(self) -> None:
        pass


@pytest.fixture
def line() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def connect(line: socket.socket, *packets: bytes) -> Connection:
    return Connection(cast("Any", Sender(*packets)), line)


def test_a_dump_ends_at_the_end_of_the_log(line: socket.socket) -> None:
    connection = connect(line, b"\0one", b"\0two", END_OF_LOG)

    assert [*connection.dump_binlog(18, b"", "reading")] == [b"one", b"two"]


def test_a_dump_that_is_too_long_says_so_after_its_last_event(line: socket.socket) -> None:
    connection = connect(line, *[b"\0" + bytes(99)] * 5, END_OF_LOG)
    events = connection.dump_binlog(18, b"", "reading", size_limit=250)

    read = [next(events) for _ in range(3)]

    assert len(read) == 3
    with pytest.raises(NoAnswer, match="stopped after 300 bytes, before the end of the log"):
        next(events)
