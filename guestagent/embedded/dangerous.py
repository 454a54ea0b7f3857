"""Reads that would endanger a real stack in progress: there Heat writes while it resolves attributes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from guestagent.embedded.heat.stack import IN_PROGRESS, Stack, now

MOST = 1000


class DangerousReads:
    """The list of them, oldest first."""

    def __init__(self) -> None:
        self._seen: list[tuple[datetime, str, str, str]] = []

    def note(self, stack: Stack, what: str) -> None:
        """Remember this read, if the stack is in progress."""
        self.saw(stack.name, stack.state, what)

    def saw(self, name: str, state: str, what: str) -> None:
        """As `note`, of a stack that is known by its words alone, as CREATE_IN_PROGRESS."""
        if state.endswith(IN_PROGRESS):
            self._seen.append((now(), name, state, what))
            del self._seen[:-MOST]

    def view(self) -> list[Mapping[str, str]]:
        return [
            {"at": at.isoformat(), "stack": name, "status": state, "read": what}
            for at, name, state, what in self._seen
        ]
