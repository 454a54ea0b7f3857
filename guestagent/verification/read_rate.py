"""The rate at which a verification reads."""

from __future__ import annotations

from guestagent.byte_units import MIB
from guestagent.retry import Clock

CHUNK_SIZE = 4 * MIB
CHUNK_ROWS_LIMIT = 50_000


class ReadRate:
    """Limits what is read from each server to `rate` MiB/s; None: without a limit."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._rate, self._clock = rate, clock
        self._next_time = clock.now()

    def compute_wait(self, byte_count: int) -> float:
        """Return how many seconds to wait after `byte_count` bytes. A chunk that took longer is not caught up."""
        if self._rate is None:
            return 0.0
        now = self._clock.now()
        self._next_time = max(self._next_time + byte_count / (self._rate * MIB), now)
        return self._next_time - now

    def choose_chunk_rows(self, row_size: int) -> int:
        """Return how many rows of this size one chunk has: at most a second's worth of bytes."""
        size = CHUNK_SIZE if self._rate is None else min(CHUNK_SIZE, int(self._rate * MIB))
        return max(1, min(CHUNK_ROWS_LIMIT, size // row_size))
