"""A binary log that is longer than one dump: the dump never takes its own end for the end of the log."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from guestagent.database.connection import EOF_PACKET_HEADER, Connection
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.driver import DriverSession


class FakePymysqlSession:
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
def socket_handle() -> Iterator[socket.socket]:
    local, remote = socket.socketpair()
    with local, remote:
        yield local


def open_connection(socket_handle: socket.socket, *packets: bytes) -> Connection:
    return Connection(DriverSession(cast("Any", FakePymysqlSession(*packets)), socket_handle))


def test_a_dump_ends_at_the_end_of_the_log(socket_handle: socket.socket) -> None:
    connection = open_connection(socket_handle, b"\0one", b"\0two", EOF_PACKET_HEADER)

    assert [*connection.dump_binlog(18, b"", "reading")] == [b"one", b"two"]


def test_a_dump_that_exceeds_its_size_limit_fails_after_its_last_event(socket_handle: socket.socket) -> None:
    connection = open_connection(socket_handle, *[b"\0" + bytes(99)] * 5, EOF_PACKET_HEADER)
    events = connection.dump_binlog(18, b"", "reading", size_limit=250)

    read = [next(events) for _ in range(3)]

    assert len(read) == 3
    with pytest.raises(NoAnswer, match="stopped after 300 bytes, before the end of the log"):
        next(events)
