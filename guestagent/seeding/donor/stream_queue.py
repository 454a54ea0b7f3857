"""The queue of replicas: one has a stream, the others wait in the order in which they came. Thread-safe."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class Ticket:
    """One connection's place. `is_cancelled`: a newer connection of the same node has taken it over."""

    node: str
    is_cancelled: bool = False


class StreamQueue:
    """The tickets in their order; the first one has the stream."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._tickets: list[Ticket] = []

    def join(self, node: str) -> Ticket:
        """Join the queue. An older connection of this node, which it has given up, is cancelled."""
        with self._condition:
            ticket = Ticket(node)
            for other in self._tickets:
                if other.node == node:
                    other.is_cancelled = True
            self._tickets.append(ticket)
            self._condition.notify_all()
            return ticket

    def leave(self, ticket: Ticket) -> None:
        """Leave the queue, or end the stream."""
        with self._condition:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
            self._condition.notify_all()

    def wait(self, ticket: Ticket, seconds: float) -> int:
        """Wait until the ticket has the stream, at most for `seconds`. Return how many are before it."""
        with self._condition:
            self._condition.wait_for(lambda: ticket.is_cancelled or self._tickets.index(ticket) == 0, seconds)
            return self._tickets.index(ticket)
