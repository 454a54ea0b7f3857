"""The resource manager: one interface over all engines, for Python callers, the command line and the RPC alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order

WAIT_LIMIT_S = 20
"""A caller waits for at most so long in one call; then it calls again."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the engine at hand can do: the kinds of its orders, and its name."""

    engine: str
    orders: tuple[str, ...]


class ResourceManager(Protocol):
    """Accepts orders and tells their progress. Methods raise OrderRefused, and nothing else.

    An order is on the disk when `submit` returns; the work follows. The same request id returns the same operation.
    """

    def submit(self, order: Order) -> Operation:
        """Accept an order and return its operation."""

    def operation(self, operation_id: str) -> Operation:
        """Return an operation by its id."""

    def operations(self, cluster: str) -> Sequence[Operation]:
        """Return the operations of a cluster, the newest first."""

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        """Return the operation when its sequence is above `after`, or after at most `up_to_s` seconds as it is."""

    def cancel(self, operation_id: str) -> Operation:
        """Ask for the end of an operation at its next step. What it has made of a new cluster is deleted again."""

    def retry(self, operation_id: str) -> Operation:
        """Let an operation go on that needs attention, after its cause is gone."""

    def capabilities(self) -> Capabilities:
        """Return what the engine can do. Other orders are refused as unsupported."""
