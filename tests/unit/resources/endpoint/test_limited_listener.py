"""Connections that say nothing take no places from those that come later."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from guestagent.resources.endpoint.limited_listener import (
    UNDISTURBED_S,
    LimitedListener,
    OpenConnections,
    open_listeners,
)

LIMIT = 3


class Scene:
    """A listener, and the clients that connect to it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self.now = stack, 0.0
        self.listener = stack.enter_context(
            LimitedListener(socket.AF_INET, OpenConnections(LIMIT, lambda: self.now))
        )
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Return both ends of a new connection."""
        client = self._stack.enter_context(socket.create_connection(self.listener.getsockname(), timeout=10))
        accepted, _ = self.listener.accept()
        return client, self._stack.enter_context(accepted)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(stack)


def test_the_oldest_connection_is_cut_for_the_next(scene: Scene) -> None:
    first, second, _ = (scene.connect() for _ in range(LIMIT))
    scene.now += UNDISTURBED_S

    client, server = scene.connect()
    client.sendall(b"a")

    assert first[0].recv(1) == b""
    assert server.recv(1) == b"a"
    second[0].sendall(b"b")
    assert second[1].recv(1) == b"b"


def test_a_connection_has_its_time_in_a_crowd(scene: Scene) -> None:
    ends = [scene.connect() for _ in range(LIMIT)]
    late = socket.create_connection(scene.listener.getsockname(), timeout=10)

    with pytest.raises(BlockingIOError):
        scene.listener.accept()

    assert late.recv(1) == b""
    late.close()
    ends[0][0].sendall(b"a")
    assert ends[0][1].recv(1) == b"a"


def test_a_connection_that_is_closed_leaves_its_place(scene: Scene) -> None:
    for _ in range(10 * LIMIT):
        for end in scene.connect():
            end.close()

    client, server = scene.connect()
    client.sendall(b"a")
    assert server.recv(1) == b"a"


def test_a_connection_that_a_loop_has_closed_leaves_its_place(scene: Scene) -> None:
    (_, closed), *_ = (scene.connect() for _ in range(LIMIT))
    os.close(closed.detach())

    client, server = scene.connect()

    client.sendall(b"a")
    assert server.recv(1) == b"a"


def test_all_addresses_of_a_host_are_bound_or_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        open_listeners("127.0.0.1", other.getsockname()[1], LIMIT)
    (listener,) = open_listeners("127.0.0.1", 0, LIMIT)

    assert listener.getsockname()[0] == "127.0.0.1"
    listener.close()
