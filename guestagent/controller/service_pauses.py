"""How long the services of a cloud want to be left alone: the header Retry-After of their answers 429 and 503."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from guestagent.errors import CloudUnreachable

PAUSE_STATUSES = frozenset({429, 503})
PAUSE_LIMIT_S = 300.0
"""The longest pause. A service that asks for more is asked again after this time."""
RETRY_AFTER_KEY = "retry_after_s"
"""In the details of a CloudUnreachable: the seconds that are left of a pause."""
EVERY_SERVICE = ""
"""Keystone's pause: without a token no service can be asked."""


class ServicePauses:
    """The pauses of one session. They hold for all of its threads, and so for all clusters of a service."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._ends: dict[str, float] = {}

    def note(self, service: str, seconds: float) -> None:
        """Begin a pause, or make it longer. It gets no shorter: answers to two threads may overtake each other."""
        with self._lock:
            end = self._now() + min(seconds, PAUSE_LIMIT_S)
            self._ends[service] = max(end, self._ends.get(service, 0.0))

    def find_remaining_s(self, service: str) -> float:
        """Return the seconds until a request may be sent to a service; 0: now."""
        with self._lock:
            end = max(self._ends.get(each, 0.0) for each in (service, EVERY_SERVICE))
        return max(0.0, end - self._now())


def build_pause_error(action: str, remaining_s: float) -> CloudUnreachable:
    """Build the error of a request that is not sent, because its service wants to be left alone."""
    error = CloudUnreachable(f"{action}: the cloud has asked for a pause (Retry-After)")
    error.details = {RETRY_AFTER_KEY: remaining_s}
    return error


def find_pause_s(error: CloudUnreachable) -> float:
    """Return the seconds after which the cloud wants to be asked again; 0: it has not asked for a pause."""
    remaining_s = error.details.get(RETRY_AFTER_KEY)
    return remaining_s if isinstance(remaining_s, float) else 0.0


def read_retry_after(value: str | None) -> float:
    """Return the seconds in a header Retry-After; 0 if there is none, or a date."""
    text = (value or "").strip()
    return float(text) if text.isascii() and text.isdigit() else 0.0
