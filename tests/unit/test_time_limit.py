"""A limit ends an exchange that is not complete in time, and does not affect any other."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from guestagent.time_limit import TimeLimitExceeded, limit_time
from tests.support.slow_server import open_slow_server

LIMIT_S = 0.2


def read_to_end(port: int) -> bytes:
    """Read to the end, with a timeout of seconds for each piece."""
    with socket.create_connection(("127.0.0.1", port), 5) as stream, limit_time(LIMIT_S, stream):
        return b"".join(iter(lambda: stream.recv(100), b""))


def test_a_response_without_an_end_is_interrupted() -> None:
    with open_slow_server(b"hello") as port:
        start = time.monotonic()
        with pytest.raises(TimeLimitExceeded, match=r"^no complete answer in 0\.2 s$"):
            read_to_end(port)

    assert time.monotonic() - start < 3


def test_an_error_before_the_limit_is_raised_unchanged() -> None:
    one, other = socket.socketpair()
    with one, other, pytest.raises(ValueError, match="mine"), limit_time(LIMIT_S, one):
        raise ValueError("mine")


def test_a_connection_that_was_complete_in_time_stays_open() -> None:
    one, other = socket.socketpair()
    late, peer = socket.socketpair()
    with one, other, late, peer:
        with limit_time(LIMIT_S, one):
            other.sendall(b"x")
            assert one.recv(1) == b"x"
        with pytest.raises(TimeLimitExceeded), limit_time(LIMIT_S, late):  # it ends after the first limit
            late.recv(1)
        other.sendall(b"y")
        assert one.recv(1) == b"y"


def test_a_connection_that_is_added_after_the_limit_is_shut_down_at_once() -> None:
    one, other = socket.socketpair()

    def connect_late() -> None:
        with limit_time(60) as limit:
            limit.expire()
            limit.add_connection(one)
            one.recv(1)

    with one, other, pytest.raises(TimeLimitExceeded):
        connect_late()


def test_a_shorter_limit_ends_before_a_longer_one_that_began_earlier() -> None:
    longer, other = socket.socketpair()
    shorter, another = socket.socketpair()
    order: list[str] = []

    def wait(name: str, seconds: float, stream: socket.socket) -> None:
        with pytest.raises(TimeLimitExceeded), limit_time(seconds, stream):
            stream.recv(1)
        order.append(name)

    with longer, other, shorter, another:
        threads = [
            threading.Thread(target=wait, args=arguments)
            for arguments in (("longer", LIMIT_S * 4, longer), ("shorter", LIMIT_S, shorter))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)

    assert order == ["shorter", "longer"]


def test_a_limit_that_is_not_exceeded_costs_little_time() -> None:
    one, other = socket.socketpair()
    with one, other:
        start = time.thread_time()
        for _ in range(1000):
            with limit_time(60, one):
                pass

    assert time.thread_time() - start < 0.5
