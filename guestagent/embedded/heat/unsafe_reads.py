"""Reads that would endanger a real stack in progress: there Heat writes while it resolves attributes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from guestagent.embedded.heat.resources.stack import IN_PROGRESS, HeatStack
from guestagent.embedded.host.clock import get_utc_time

READ_LIMIT = 1000


class UnsafeReads:
    """The list of them, oldest first."""

    def __init__(self) -> None:
        self._seen: list[tuple[datetime, str, str, str]] = []

    def record_read(self, stack: HeatStack, what: str) -> None:
        """Remember this read, if the stack is in progress."""
        self.record_status_read(stack.name, stack.state, what)

    def record_status_read(self, name: str, state: str, what: str) -> None:
        """As `note`, of a stack that is known by its words alone, as CREATE_IN_PROGRESS."""
        if state.endswith(IN_PROGRESS):
            self._seen.append((get_utc_time(), name, state, what))
            del self._seen[:-READ_LIMIT]

    def format_reads(self) -> list[Mapping[str, str]]:
        return [
            {"at": at.isoformat(), "stack": name, "status": state, "read": what}
            for at, name, state, what in self._seen
        ]
