"""Waiting for a state that another process or thread brings about."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL_INTERVAL_S = 0.05


def wait_until(
    is_true: Callable[[], bool], timeout_s: float = 180.0, interval_s: float = POLL_INTERVAL_S
) -> None:
    """Return when the predicate is true; fail with AssertionError after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, f"not true within {timeout_s:g} s: {is_true}"
        time.sleep(interval_s)
