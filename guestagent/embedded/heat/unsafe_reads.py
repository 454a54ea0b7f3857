"""Reads that would endanger a real stack in progress: there Heat writes while it resolves attributes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from guestagent.embedded.heat.resources.stack import IN_PROGRESS, HeatStack
from guestagent.embedded.host.clock import get_utc_time

READ_LIMIT = 1000


class UnsafeReads:
    """The list of such reads, oldest first. JSON calls them `dangerous_reads`."""

    def __init__(self) -> None:
        self._reads: list[tuple[datetime, str, str, str]] = []

    def record_read(self, stack: HeatStack, description: str) -> None:
        """Record this read if the stack is in progress."""
        self.record_status_read(stack.name, stack.state, description)

    def record_status_read(self, name: str, state: str, description: str) -> None:
        """Record a read of a stack of which only name and state (CREATE_IN_PROGRESS) are known."""
        if state.endswith(IN_PROGRESS):
            self._reads.append((get_utc_time(), name, state, description))
            del self._reads[:-READ_LIMIT]

    def format_reads(self) -> list[Mapping[str, str]]:
        """Format the reads for the cloud's status."""
        return [
            {"at": time.isoformat(), "stack": name, "status": state, "read": description}
            for time, name, state, description in self._reads
        ]
