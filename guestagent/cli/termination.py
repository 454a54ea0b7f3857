"""The end of a service's command: SIGTERM or SIGINT is noted, and the work ends at its next safe point."""

from __future__ import annotations

import signal
from collections.abc import Callable


def watch_termination() -> Callable[[], bool]:
    """Handle SIGTERM and SIGINT from now on. Return a function that tells whether one of them has come."""
    received: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: received.append(number))
    return lambda: bool(received)
