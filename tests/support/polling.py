"""Waiting for a state that another process or thread brings about."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL_INTERVAL_S = 0.05
LONGEST_PAUSE_S = 0.5


def wait_until(
    is_true: Callable[[], bool], timeout_s: float = 180.0, interval_s: float = POLL_INTERVAL_S
) -> None:
    """Return when the predicate is true; fail with AssertionError after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, f"not true within {timeout_s:g} s: {is_true}"
        time.sleep(interval_s)


class PollPause:
    """The pause before the next poll of an imitated guest. Most polls of a test find nothing new, and none is free."""

    def __init__(self, shortest_s: float, longest_s: float = LONGEST_PAUSE_S) -> None:
        self.shortest_s, self.longest_s = shortest_s, longest_s
        self.seconds = shortest_s

    def adjust(self, has_changed: bool) -> None:
        """Make the pause the shortest one after a change, and otherwise twice as long, up to the longest one."""
        longer_s = max(self.shortest_s, min(2 * self.seconds, self.longest_s))
        self.seconds = self.shortest_s if has_changed else longer_s
