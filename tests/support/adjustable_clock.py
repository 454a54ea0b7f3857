"""A clock that a test sets forward, so that no test waits for a deadline."""

from __future__ import annotations

from guestagent.retry import SystemClock


class AdjustableClock(SystemClock):
    """The machine's clock, and the seconds by which it was set forward."""

    def __init__(self) -> None:
        self._offset_s = 0.0

    def now(self) -> float:
        return super().now() + self._offset_s

    def advance(self, seconds: float) -> None:
        """Set the clock forward."""
        self._offset_s += seconds
