"""The donor's connections: those that have not logged in must not keep a replica out. Thread-safe."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from guestagent.time_limit import TimeLimit

PENDING_LIMIT = 32
IPV6_HOST_BITS = 64
"""One machine may have all addresses that differ only in these."""


@dataclass(eq=False, slots=True)
class DonorConnection:
    """A connection from `address`. `node` is "" until it has logged in; `origin` stands for the machine behind it."""

    address: str
    origin: str
    node: str = ""
    is_dropped: bool = False
    _limit: TimeLimit = field(default_factory=TimeLimit, repr=False)

    @classmethod
    def from_socket(cls, stream: socket.socket, address: str) -> DonorConnection:
        connection = cls(address, find_origin(address))
        connection._limit.add_connection(stream)
        return connection

    def drop(self) -> None:
        """End the connection, whatever its thread is doing with it."""
        self.is_dropped = True
        self._limit.expire()

    def release(self) -> None:
        """Release what `drop` needs, when the connection's own thread is done with it."""
        self._limit.close()


class ConnectionTable:
    """The open connections, the oldest first."""

    def __init__(self, pending_limit: int = PENDING_LIMIT) -> None:
        self._lock = threading.Lock()
        self._pending_limit = pending_limit
        self._connections: list[DonorConnection] = []

    @property
    def has_replicas(self) -> bool:
        """Whether a connection has logged in."""
        with self._lock:
            return any(each.node for each in self._connections)

    def add(self, connection: DonorConnection) -> DonorConnection | None:
        """Add a connection. If too many have not logged in, drop one of them, and return it.

        It is the oldest of the machine with the most of them. A login takes a moment, so a replica is not among them
        for long, however many others come.
        """
        with self._lock:
            self._connections.append(connection)
            pending = [each for each in self._connections if not each.node]
            if len(pending) <= self._pending_limit:
                return None
            counts = Counter(each.origin for each in pending)
            victim = max(pending, key=lambda each: counts[each.origin])  # the first of equals
            self._connections.remove(victim)
        victim.drop()
        return victim

    def log_in(self, connection: DonorConnection, node: str) -> None:
        """Note the login of a node. An older connection of it, which it has given up, is dropped."""
        with self._lock:
            former = [each for each in self._connections if each.node == node]
            connection.node = node
        for each in former:
            each.drop()

    def remove(self, connection: DonorConnection) -> None:
        """Remove a connection whose thread is done with it."""
        with self._lock:
            if connection in self._connections:
                self._connections.remove(connection)
        connection.release()

    def drop_pending(self) -> None:
        """Drop all connections that have not logged in."""
        with self._lock:
            pending = [each for each in self._connections if not each.node]
        for each in pending:
            each.drop()


def find_origin(address: str) -> str:
    """Return the address, or the network of an IPv6 machine."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> IPV6_HOST_BITS << IPV6_HOST_BITS))
