"""The lease of the donor: without an agent that renews it, the port does not stay open. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Lease:
    """The lease since the last renewal that was seen. The times are those of a clock that only goes forward."""

    _stamp: object = None
    _renewed_at: float = 0.0

    def is_valid(self, stamp: object, lease_s: float, now: float) -> bool:
        """Return whether the lease is valid. `stamp` differs after each renewal."""
        if stamp != self._stamp:
            self._stamp, self._renewed_at = stamp, now
        return now - self._renewed_at < lease_s
