"""A clock that runs faster than real time, so that timeouts of minutes pass in seconds without skipping any step."""

from __future__ import annotations

import time


class FastClock:
    """`speed` seconds of this clock pass in one second of real time."""

    def __init__(self, speed: float = 50) -> None:
        self._speed = speed

    def now(self) -> float:
        return time.monotonic() * self._speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._speed)
