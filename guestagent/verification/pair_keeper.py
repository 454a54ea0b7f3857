"""Keeps the pair of snapshots that is in use, and renews it: after a minute, and after a lost connection."""

from __future__ import annotations

from collections.abc import Callable

from guestagent.errors import DatabaseUnreachable, NotReady
from guestagent.retry import Backoff, Retry
from guestagent.verification.snapshot_pair import PairEnvironment, SnapshotPair, open_pair

OPENING_FACTOR = 10
RECONNECT_TIMEOUT_S = 600.0
RECONNECT = Retry((DatabaseUnreachable, NotReady), Backoff(1.0, 30.0))


class PairKeeper:
    """The pair in use, and what is known about all pairs of this verification."""

    def __init__(self, environment: PairEnvironment, report: Callable[[str], None]) -> None:
        self._environment, self._report = environment, report
        self._pair: SnapshotPair | None = None
        self.count, self.longest_hold_s = 0, 0.0
        self.first_position, self.last_position = "", ""

    def get_pair(self) -> SnapshotPair:
        """Return the pair in use, or a new one if there is none or it is too old.

        Only the first pair must succeed at once: later ones are retried, because a server may be restarting.
        """
        clock = self._environment.clock
        if self._pair is not None and clock.now() - self._pair.opened_at >= self._compute_age_limit(
            self._pair
        ):
            self.drop_pair()
        if self._pair is None:
            until = clock.now() + (RECONNECT_TIMEOUT_S if self.count else 0.0)
            pair = RECONNECT.call(lambda: open_pair(self._environment), until=until, clock=clock)
            self.adopt_pair(pair)
            return pair
        return self._pair

    def _compute_age_limit(self, pair: SnapshotPair) -> float:
        """Use a pair that was expensive for longer, so that opening pairs stays a small part of the whole."""
        return max(self._environment.dialect.snapshot_age_limit_s, OPENING_FACTOR * pair.opening_s)

    def adopt_pair(self, pair: SnapshotPair) -> None:
        """Use this pair from now on."""
        self.drop_pair()
        self._pair = pair
        self.count += 1
        self.longest_hold_s = max(self.longest_hold_s, pair.hold_s)
        self.last_position = str(pair.position)
        self.first_position = self.first_position or self.last_position
        self._report(f"snapshots of both servers (the SQL thread was stopped for {pair.hold_s:.3f} s)")

    def drop_pair(self) -> None:
        """Close the pair in use."""
        if self._pair is not None:
            self._pair.close()
            self._pair = None
