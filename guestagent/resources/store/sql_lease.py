"""Leases of clusters in the tables. Every statement that changes a cluster names the lease's number."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, select, update

from guestagent.resources.operation import Operation
from guestagent.resources.store.operation_rules import check_resource_key
from guestagent.resources.store.operation_watch import OperationWatch
from guestagent.resources.store.protocol import LEASE_RESERVE_S, LEASE_S, REQUEST_TIMEOUT_S, LeaseLost
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot
from guestagent.resources.store.sql_change import (
    remove_cluster,
    write_events,
    write_operations,
    write_resources,
)
from guestagent.resources.store.sql_database import SqlDatabase, StoreTime
from guestagent.resources.store.sql_snapshot import count_queue, read_snapshot
from guestagent.resources.store.tables import clusters
from guestagent.retry import Clock

CANDIDATE_LIMIT = 8
"""Due clusters at which a claim looks: other workers may be faster with the first ones."""


@dataclass(frozen=True, slots=True)
class LeaseGrant:
    """What a claim has written: the cluster's ids, the lease's number, and what news of the cluster there were."""

    cluster_id: str
    cluster: str
    number: int
    news: int


def list_due_clusters(connection: Connection, time: StoreTime) -> list[str]:
    """Return ids of clusters that can be claimed, the one that has been due for longest first. Nothing is locked."""
    now = time.read_now(connection)
    query = (
        select(clusters.c.id)
        .where(clusters.c.due_at <= now, clusters.c.lease_until <= now)
        .order_by(clusters.c.due_at, clusters.c.name)
        .limit(CANDIDATE_LIMIT)
    )
    return list(connection.execute(query).scalars())


def claim_cluster(connection: Connection, time: StoreTime, cluster_id: str, worker: str) -> LeaseGrant | None:
    """Claim a cluster, unless another worker is doing that or was faster."""
    now = time.read_now(connection)
    is_free = and_(clusters.c.id == cluster_id, clusters.c.due_at <= now, clusters.c.lease_until <= now)
    row = connection.execute(select(clusters).where(is_free).with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    number = row.lease_number + 1
    claim = update(clusters).where(is_free, clusters.c.lease_number == row.lease_number)
    values = {"lease_owner": worker, "lease_until": now + LEASE_S, "lease_number": number}
    if connection.execute(claim.values(**values)).rowcount != 1:
        return None
    return LeaseGrant(row.id, row.name, number, row.news)


class SqlLease:
    """One claim of a cluster. See `ClusterLease`. `sent_at` is the worker's time from before the claim was sent."""

    def __init__(
        self, database: SqlDatabase, watch: OperationWatch, clock: Clock, grant: LeaseGrant, sent_at: float
    ) -> None:
        self._database, self._watch, self._clock, self._grant = database, watch, clock, grant
        self._until = sent_at + LEASE_S
        self._known_news = grant.news
        self._is_cluster_removed = False

    @property
    def cluster(self) -> str:
        return self._grant.cluster

    def can_send(self) -> bool:
        return self._clock.now() + REQUEST_TIMEOUT_S + LEASE_RESERVE_S < self._until

    def renew(self) -> None:
        sent_at = self._clock.now()
        self._database.write(self._renew)
        self._until = sent_at + LEASE_S

    def read(self) -> ClusterSnapshot:
        snapshot, self._known_news = self._database.read(self._read)
        return snapshot

    def write(self, change: ClusterChange) -> None:
        operations, is_removed = self._database.write(lambda connection: self._write(connection, change))
        self._is_cluster_removed |= is_removed
        self._watch.note_changes({operation.id: operation.sequence for operation in operations})

    def release(self, pause_s: float) -> None:
        if not self._is_cluster_removed:
            self._database.write(lambda connection: self._release(connection, pause_s))
            self._until = self._clock.now()

    def _renew(self, connection: Connection) -> None:
        now = self._database.time.read_now(connection)
        self._update_cluster(connection, now, lease_until=now + LEASE_S)

    def _read(self, connection: Connection) -> tuple[ClusterSnapshot, int]:
        now = self._database.time.read_now(connection)
        query = select(clusters).where(self._has_right(now)).with_for_update(read=True)
        row = connection.execute(query).one_or_none()
        if row is None:
            raise self._build_error()
        return read_snapshot(connection, row, now), row.news

    def _write(self, connection: Connection, change: ClusterChange) -> tuple[list[Operation], bool]:
        now = self._database.time.read_now(connection)
        values: dict[str, object] = {}
        if change.wanted is not None:
            values |= {"wanted": change.wanted, "revision": clusters.c.revision + 1}
        if change.attention is not None:
            values |= {"attention": change.attention}
        self._update_cluster(connection, now, **values)
        for key in (*(record.key for record in change.resources), *change.forgotten):
            check_resource_key(key, self.cluster)
        operations = write_operations(connection, self.cluster, change.operations)
        write_resources(connection, self._grant.cluster_id, change)
        write_events(connection, self.cluster, change.events, now)
        is_removed = change.is_removed and count_queue(connection, self.cluster) == 0
        if is_removed:
            remove_cluster(connection, self._grant.cluster_id)
        return operations, is_removed

    def _release(self, connection: Connection, pause_s: float) -> None:
        now = self._database.time.read_now(connection)
        due_at = case((clusters.c.news == self._known_news, now + pause_s), else_=now)
        self._update_cluster(connection, now, lease_until=now, due_at=due_at)

    def _update_cluster(self, connection: Connection, now: float, **values: object) -> None:
        """Update the cluster's row, which is locked from then on. Raise LeaseLost if the right is over."""
        update_row = update(clusters).where(self._has_right(now))
        values |= {"lease_number": self._grant.number}
        if connection.execute(update_row.values(**values)).rowcount != 1:
            raise self._build_error()

    def _has_right(self, now: float) -> ColumnElement[bool]:
        return and_(
            clusters.c.id == self._grant.cluster_id,
            clusters.c.lease_number == self._grant.number,
            clusters.c.lease_until > now,
        )

    def _build_error(self) -> LeaseLost:
        return LeaseLost(f"the lease of cluster {self.cluster} is over")
