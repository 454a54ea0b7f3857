"""Leases of clusters in the tables. Every statement that changes a cluster names the lease's number."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Update, and_, bindparam, case, select, update

from guestagent.controller.request_limits import REQUEST_LIMIT_S
from guestagent.resources.operation import Operation
from guestagent.resources.store.operation_rules import check_resource_key
from guestagent.resources.store.operation_watch import OperationWatch
from guestagent.resources.store.protocol import LEASE_RESERVE_S, LEASE_S, LeaseLost
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot
from guestagent.resources.store.sql_acceptance import insert_cluster
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

# Built once, as those of `sql_snapshot`: these are the statements of each round.
_IS_DUE = and_(clusters.c.due_at <= bindparam("now"), clusters.c.lease_until <= bindparam("now"))
_SELECT_DUE = (
    select(clusters.c.id).where(_IS_DUE).order_by(clusters.c.due_at, clusters.c.name).limit(CANDIDATE_LIMIT)
)
_IS_FREE = and_(clusters.c.id == bindparam("cluster_id"), _IS_DUE)
_SELECT_FREE = select(clusters).where(_IS_FREE).with_for_update(skip_locked=True)
_CLAIM = update(clusters).where(_IS_FREE, clusters.c.lease_number == bindparam("known_number"))
_HAS_RIGHT = and_(
    clusters.c.id == bindparam("cluster_id"),
    clusters.c.lease_number == bindparam("granted_number"),
    clusters.c.lease_until > bindparam("now"),
)
_SELECT_GRANTED = select(clusters).where(_HAS_RIGHT).with_for_update(read=True)
_UPDATE_GRANTED = update(clusters).where(_HAS_RIGHT)
_CHANGE = _UPDATE_GRANTED.values(news=clusters.c.news + 1)
_CHANGE_WANTED = _CHANGE.values(revision=clusters.c.revision + 1)
_RELEASE = _UPDATE_GRANTED.values(
    due_at=case(
        (clusters.c.news == bindparam("known_news"), bindparam("rested_at")),
        (clusters.c.due_at < bindparam("rested_at"), clusters.c.due_at),
        else_=bindparam("rested_at"),
    )
)


@dataclass(frozen=True, slots=True)
class LeaseGrant:
    """What a claim has written: the cluster's ids, the lease's number, and what news of the cluster there were."""

    cluster_id: str
    cluster: str
    engine: str
    number: int
    news: int


def list_due_clusters(connection: Connection, time: StoreTime) -> list[str]:
    """Return ids of clusters that can be claimed, the one that has been due for longest first. Nothing is locked."""
    return list(connection.execute(_SELECT_DUE, {"now": time.read_now(connection)}).scalars())


def claim_cluster(connection: Connection, time: StoreTime, cluster_id: str, worker: str) -> LeaseGrant | None:
    """Claim a cluster, unless another worker is doing that or was faster."""
    now = time.read_now(connection)
    of_free_cluster = {"cluster_id": cluster_id, "now": now}
    row = connection.execute(_SELECT_FREE, of_free_cluster).one_or_none()
    if row is None:
        return None
    number = row.lease_number + 1
    until = now + LEASE_S  # News during the lease make it due earlier.
    values = {"lease_owner": worker, "lease_until": until, "due_at": until, "lease_number": number}
    if (
        connection.execute(_CLAIM, {**of_free_cluster, "known_number": row.lease_number, **values}).rowcount
        != 1
    ):
        return None
    return LeaseGrant(row.id, row.name, row.engine, number, row.news)


def end_all_leases(connection: Connection, time: StoreTime) -> int:
    """Let every cluster be claimed again. Return how many of them had a worker."""
    now = time.read_now(connection)
    due_at = case((clusters.c.due_at > now, now), else_=clusters.c.due_at)
    end = update(clusters).where(clusters.c.lease_until > now).values(lease_until=now, due_at=due_at)
    return int(connection.execute(end).rowcount)


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
        return self._clock.now() + REQUEST_LIMIT_S + LEASE_RESERVE_S < self._until

    def renew(self) -> None:
        sent_at = self._clock.now()
        self._database.write(self._renew)
        self._until = sent_at + LEASE_S

    def read(self) -> ClusterSnapshot:
        snapshot, self._known_news = self._database.read(self._read)
        return snapshot

    def write(self, change: ClusterChange) -> None:
        operations = self._database.write(lambda connection: self._write(connection, change))
        self._known_news += 1
        self._is_cluster_removed |= change.is_removed
        self._watch.note_changes({operation.id: operation.sequence for operation in operations})

    def release(self, pause_s: float) -> None:
        if not self._is_cluster_removed:
            self._database.write(lambda connection: self._release(connection, pause_s))
            self._until = self._clock.now()

    def _renew(self, connection: Connection) -> None:
        now = self._database.time.read_now(connection)
        self._update_cluster(connection, _UPDATE_GRANTED, now, lease_until=now + LEASE_S)

    def _read(self, connection: Connection) -> tuple[ClusterSnapshot, int]:
        now = self._database.time.read_now(connection)
        row = connection.execute(_SELECT_GRANTED, self._bind_right(now)).one_or_none()
        if row is None:
            raise self._build_error()
        return read_snapshot(connection, row, now), row.news

    def _write(self, connection: Connection, change: ClusterChange) -> list[Operation]:
        now = self._database.time.read_now(connection)
        values = {} if change.attention is None else {"attention": change.attention}
        if change.wanted is None:
            self._update_cluster(connection, _CHANGE, now, **values)
        else:
            self._update_cluster(connection, _CHANGE_WANTED, now, wanted=change.wanted, **values)
        for key in (*(record.key for record in change.resources), *change.forgotten):
            check_resource_key(key, self.cluster)
        operations = write_operations(connection, self.cluster, change.operations)
        write_resources(connection, self._grant.cluster_id, change)
        write_events(connection, self.cluster, change.events, now)
        if change.is_removed:
            self._remove(connection, now)
        return operations

    def _remove(self, connection: Connection, now: float) -> None:
        """Remove the cluster. Orders that wait are those of another one, of which there is nothing yet."""
        remove_cluster(connection, self._grant.cluster_id)
        if count_queue(connection, self.cluster):
            insert_cluster(connection, self.cluster, self._grant.engine, now)

    def _release(self, connection: Connection, pause_s: float) -> None:
        now = self._database.time.read_now(connection)
        values = {"known_news": self._known_news, "rested_at": now + pause_s}
        self._update_cluster(connection, _RELEASE, now, lease_owner="", lease_until=now, **values)

    def _update_cluster(
        self, connection: Connection, statement: Update, now: float, **values: object
    ) -> None:
        """Update the cluster's row, which is locked from then on. Raise LeaseLost if the right is over."""
        values |= {"lease_number": self._grant.number}
        if connection.execute(statement, {**self._bind_right(now), **values}).rowcount != 1:
            raise self._build_error()

    def _bind_right(self, now: float) -> dict[str, object]:
        return {"cluster_id": self._grant.cluster_id, "granted_number": self._grant.number, "now": now}

    def _build_error(self) -> LeaseLost:
        return LeaseLost(f"the lease of cluster {self.cluster} is over")
