"""Renews the leases of rounds that take long: a look at a large or slow cloud may outlast a lease.

Each request of a round ends in its own time, and so does a round. One that goes on by a bug loses its lease at last.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from guestagent.errors import StorageError
from guestagent.resources.store.protocol import LEASE_S, ClusterLease, LeaseLost

LOG = logging.getLogger(__name__)
RENEWAL_INTERVAL_S = LEASE_S / 4
KEEP_LIMIT_S = 3600.0
"""For which the lease of one round is renewed."""


class RoundKeeper(Protocol):
    """Keeps leases while rounds go on."""

    def keep(self, lease: ClusterLease) -> AbstractContextManager[None]:
        """Keep a lease within the block."""


class NoKeeper:
    """A keeper for rounds that are shorter than their leases."""

    def keep(self, lease: ClusterLease) -> AbstractContextManager[None]:
        return nullcontext()


class LeaseKeeper:
    """A thread that renews the leases of all workers of a process."""

    def __init__(
        self, interval_s: float = RENEWAL_INTERVAL_S, read_clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval_s, self._read_clock = interval_s, read_clock
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._begun_at: dict[ClusterLease, float] = {}
        self._thread = threading.Thread(target=self._renew_on, name="leases", daemon=True)

    def open(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def close(self) -> None:
        """Renew no more."""
        self._stopping.set()

    @contextmanager
    def keep(self, lease: ClusterLease) -> Iterator[None]:
        with self._lock:
            self._begun_at[lease] = self._read_clock()
        try:
            yield
        finally:
            with self._lock:
                del self._begun_at[lease]

    def renew_all(self) -> None:
        """Renew the leases of the rounds that have lasted for an interval, and no longer than the limit."""
        now = self._read_clock()
        with self._lock:
            due = [each for each, begun_at in self._begun_at.items() if self._is_due(now - begun_at)]
        for lease in due:
            try:
                lease.renew()
            except LeaseLost:
                LOG.debug("the round of cluster %s ends, or has lost its lease", lease.cluster)
            except StorageError as error:
                LOG.warning("the lease of cluster %s was not renewed: %s", lease.cluster, error)

    def _is_due(self, age_s: float) -> bool:
        return self._interval_s <= age_s < KEEP_LIMIT_S

    def _renew_on(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self.renew_all()
