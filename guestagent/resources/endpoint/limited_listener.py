"""A listening socket that never has more than so many connections. Above that, one that lasts too long is cut.

Connections count from their first moment, before TLS and HTTP know of them: without a limit, clients that say nothing
would take all files that the process may open. Those of nodes are over in an instant, also in a crowd.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

UNDISTURBED_S = 5.0
"""For so long a connection keeps its place: if all are younger, the next one is refused."""

BACKLOG = 2048
"""Connections that wait to be accepted."""


class OpenConnections:
    """The connections of all listeners of a server, the oldest first. One thread uses them."""

    def __init__(self, limit: int, read_clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._read_clock = limit, read_clock
        self._begun_at: WeakKeyDictionary[CountedConnection, float] = WeakKeyDictionary()

    def add(self, connection: CountedConnection) -> bool:
        """Add a connection. Return whether there was a place for it, or one that was taken from the oldest."""
        now = self._read_clock()
        oldest = next(iter(self._begun_at), None)
        if oldest is not None and len(self._begun_at) >= self._limit:
            if now < self._begun_at[oldest] + UNDISTURBED_S:
                return False
            self.remove(oldest)
            with contextlib.suppress(OSError):  # its client was faster
                oldest.shutdown(socket.SHUT_RDWR)
        self._begun_at[connection] = now
        return True

    def remove(self, connection: CountedConnection) -> None:
        """Forget a connection that is closed or cut."""
        self._begun_at.pop(connection, None)


class CountedConnection(socket.socket):
    """An accepted connection. `counted_by` forgets it when it is closed, or when a loop that has closed it lets go."""

    counted_by: OpenConnections | None = None

    def close(self) -> None:
        self._leave()
        super().close()

    def detach(self) -> int:
        self._leave()
        return super().detach()

    def _leave(self) -> None:
        if self.counted_by is not None:
            self.counted_by.remove(self)


class LimitedListener(socket.socket):
    """A listening socket whose connections are counted by `connections`."""

    def __init__(self, family: int, connections: OpenConnections) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._connections = connections

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection. Raise BlockingIOError, as without one, if there is no place for it."""
        accepted, address = super().accept()
        connection = CountedConnection(accepted.family, accepted.type, accepted.proto, accepted.detach())
        if not self._connections.add(connection):
            connection.close()
            raise BlockingIOError
        connection.counted_by = self._connections
        return connection, address


def open_listeners(host: str, port: int, limit: int) -> list[LimitedListener]:
    """Bind all addresses of a host. They share the limit. Raise OSError if one of them is in use or not here."""
    connections = OpenConnections(limit)
    with contextlib.ExitStack() as stack:
        listeners = [
            stack.enter_context(_bind(family, address, connections))
            for family, address in _list_addresses(host, port)
        ]
        stack.pop_all()
    return listeners


def _list_addresses(host: str, port: int) -> Iterable[tuple[int, Any]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return dict.fromkeys((family, address) for family, _, _, _, address in found)


def _bind(family: int, address: Any, connections: OpenConnections) -> LimitedListener:
    listener = LimitedListener(family, connections)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.setblocking(False)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
