"""A limit holds whatever trickles in, and leaves alone what was complete in time."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from guestagent.time_limit import TimeLimitExceeded, limit_time
from tests.support.slow_server import open_slow_server

SHORT = 0.2


def read_to_end(port: int) -> bytes:
    """Read to the end, with a timeout of seconds for each piece."""
    with socket.create_connection(("127.0.0.1", port), 5) as stream, limit_time(SHORT, stream):
        return b"".join(iter(lambda: stream.recv(100), b""))


def test_an_answer_without_an_end_is_ended() -> None:
    with open_slow_server(b"hello") as port:
        began = time.monotonic()
        with pytest.raises(TimeLimitExceeded, match=r"^no complete answer in 0\.2 s$"):
            read_to_end(port)

    assert time.monotonic() - began < 3


def test_an_error_before_the_limit_is_its_own() -> None:
    one, other = socket.socketpair()
    with one, other, pytest.raises(ValueError, match="mine"), limit_time(SHORT, one):
        raise ValueError("mine")


def test_a_connection_that_was_complete_in_time_goes_on_and_on() -> None:
    one, other = socket.socketpair()
    with one, other:
        with limit_time(SHORT, one):
            other.sendall(b"x")
            assert one.recv(1) == b"x"
        time.sleep(SHORT * 2)
        other.sendall(b"y")
        assert one.recv(1) == b"y"


def test_one_that_is_made_after_the_limit_is_ended_at_once() -> None:
    one, other = socket.socketpair()

    def connect_late() -> None:
        with limit_time(SHORT) as limit:
            time.sleep(SHORT * 2)
            limit.add_connection(one)
            one.recv(1)

    with one, other, pytest.raises(TimeLimitExceeded):
        connect_late()


def test_a_shorter_limit_ends_before_a_longer_one_that_began_earlier() -> None:
    longer, other = socket.socketpair()
    shorter, another = socket.socketpair()
    ended: list[str] = []

    def wait(name: str, seconds: float, stream: socket.socket) -> None:
        with pytest.raises(TimeLimitExceeded), limit_time(seconds, stream):
            stream.recv(1)
        ended.append(name)

    with longer, other, shorter, another:
        threads = [
            threading.Thread(target=wait, args=arguments)
            for arguments in (("longer", SHORT * 4, longer), ("shorter", SHORT, shorter))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)

    assert ended == ["shorter", "longer"]


def test_a_limit_that_is_not_needed_costs_next_to_nothing() -> None:
    one, other = socket.socketpair()
    with one, other:
        began = time.thread_time()
        for _ in range(1000):
            with limit_time(60, one):
                pass

    assert time.thread_time() - began < 0.5
