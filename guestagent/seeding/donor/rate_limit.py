"""A limit of bytes per second, as a value that a clock's time is passed to. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

BURST_S = 0.1
"""So many seconds' worth of bytes may come at once after a pause."""


@dataclass(slots=True)
class RateLimit:
    """`bytes_per_s` 0 is no limit."""

    bytes_per_s: int
    _paid_until: float = -math.inf

    def reserve(self, size: int, now: float) -> float:
        """Return the seconds to wait after `size` bytes at the time `now`."""
        if not self.bytes_per_s:
            return 0.0
        self._paid_until = max(self._paid_until, now - BURST_S) + size / self.bytes_per_s
        return max(0.0, self._paid_until - now)


def combine_limits(*limits: int) -> int:
    """Return the lowest limit; 0 is none."""
    return min((limit for limit in limits if limit), default=0)
