"""The lease of a worker on a cluster of the memory store."""

from __future__ import annotations

from guestagent.controller.request_limits import REQUEST_LIMIT_S
from guestagent.resources.store.memory_rows import MemoryCluster, MemoryRows
from guestagent.resources.store.protocol import LEASE_RESERVE_S, LEASE_S, LeaseLost
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot, EventEntry
from guestagent.resources.store.steady_time import SteadyTime


class MemoryLease:
    """One claim of a cluster. See `ClusterLease`."""

    def __init__(self, rows: MemoryRows, time: SteadyTime, cluster: MemoryCluster) -> None:
        self._rows, self._time, self._cluster = rows, time, cluster
        self._number = cluster.lease_number
        self._until = cluster.lease_until
        self._known_news = cluster.news
        self._is_cluster_removed = False

    @property
    def cluster(self) -> str:
        return self._cluster.record.name

    def can_send(self) -> bool:
        return self._time.now() + REQUEST_LIMIT_S + LEASE_RESERVE_S < self._until

    def renew(self) -> None:
        with self._rows.changed:
            now = self._check_right()
            self._until = self._cluster.lease_until = now + LEASE_S

    def read(self) -> ClusterSnapshot:
        with self._rows.changed:
            now = self._check_right()
            self._known_news = self._cluster.news
            return self._cluster.build_snapshot(now)

    def write(self, change: ClusterChange) -> None:
        with self._rows.changed:
            now = self._check_right()
            next_operations = self._cluster.list_next_operations(change, self._rows.operations)
            self._cluster.apply_change(change, next_operations)
            self._known_news += 1
            self._rows.replace_operations(self.cluster, next_operations)
            self._rows.events[self.cluster].extend(EventEntry(now, text) for text in change.events)
            if change.is_removed:
                self._rows.remove_cluster(self._cluster, now)
                self._is_cluster_removed = True
            self._rows.changed.notify_all()

    def release(self, pause_s: float) -> None:
        with self._rows.changed:
            if self._is_cluster_removed:
                return
            now = self._check_right()
            has_news = self._cluster.news != self._known_news
            rested_at = now + pause_s
            self._cluster.due_at = min(self._cluster.due_at, rested_at) if has_news else rested_at
            self._until = self._cluster.lease_until = now
            self._cluster.has_worker = False

    def _check_right(self) -> float:
        """Return the present time, or raise LeaseLost."""
        now = self._time.now()
        is_there = self._rows.clusters.get(self.cluster) is self._cluster
        if not is_there or self._cluster.lease_number != self._number or now >= self._cluster.lease_until:
            raise LeaseLost(f"the lease of cluster {self.cluster} is over")
        return now
