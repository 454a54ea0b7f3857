"""The store of orders in a database: a file of SQLite, or a MariaDB or MySQL server for several hosts."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, select

from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order
from guestagent.resources.store.operation_watch import OperationWatch
from guestagent.resources.store.protocol import CheckOrder
from guestagent.resources.store.records import ClusterRecord, ClusterSnapshot, EventEntry, SignalEntry
from guestagent.resources.store.sql_acceptance import (
    accept_order,
    has_contact,
    note_wish,
    write_contact,
    write_signal,
)
from guestagent.resources.store.sql_database import SqlDatabase
from guestagent.resources.store.sql_lease import SqlLease, claim_cluster, list_due_clusters
from guestagent.resources.store.sql_rows import read_cluster, read_operation
from guestagent.resources.store.sql_snapshot import find_cluster_row, read_snapshot
from guestagent.resources.store.tables import clusters, events, operations
from guestagent.retry import Clock


class SqlStore:
    """An OrderStore on a database whose tables exist; `open_store` makes both. Threads and processes may share it.

    `clock` is the worker's own: it tells how long a lease lasts at least.
    """

    def __init__(self, database: SqlDatabase, store_id: str, clock: Clock) -> None:
        self._database, self._store_id, self._clock = database, store_id, clock
        self._watch = OperationWatch(self._read_sequences)

    @property
    def id(self) -> str:
        return self._store_id

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def accept(self, order: Order, engine: str, check: CheckOrder) -> Operation:
        return self._database.write(
            lambda connection: accept_order(connection, self._database.time, order, engine, check)
        )

    def operation(self, operation_id: str) -> Operation | None:
        query = select(operations).where(operations.c.id == operation_id)
        row = self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else read_operation(row)

    def operations(self, cluster: str) -> Sequence[Operation]:
        query = select(operations).where(operations.c.cluster == cluster).order_by(operations.c.number.desc())
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return tuple(read_operation(row) for row in rows)

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation | None:
        until = time.monotonic() + up_to_s
        while True:
            operation = self.operation(operation_id)
            if operation is None or operation.state.is_final or operation.sequence > after:
                return operation
            remaining_s = until - time.monotonic()
            if remaining_s <= 0:
                return operation
            self._watch.await_change(operation_id, after, remaining_s)

    def cancel(self, operation_id: str) -> Operation | None:
        return self._note_wish(operation_id, retries=False)

    def retry(self, operation_id: str) -> Operation | None:
        return self._note_wish(operation_id, retries=True)

    def read(self, cluster: str) -> ClusterSnapshot | None:
        return self._database.read(lambda connection: self._read(connection, cluster))

    def events(self, cluster: str) -> Sequence[EventEntry]:
        query = (
            select(events.c.at, events.c.text).where(events.c.cluster == cluster).order_by(events.c.number)
        )
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return tuple(EventEntry(row.at, row.text) for row in rows)

    def clusters(self) -> Sequence[ClusterRecord]:
        query = select(clusters).order_by(clusters.c.name)
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return tuple(read_cluster(row) for row in rows)

    def claim(self, worker: str) -> SqlLease | None:
        store_time = self._database.time
        for cluster_id in self._database.read(lambda connection: list_due_clusters(connection, store_time)):
            lease = self._claim(cluster_id, worker)
            if lease is not None:
                return lease
        return None

    def record_contact(self, cluster: str, instance: str, epoch: int) -> None:
        # A guest reads its document every minute or so: all but its first contact need no write.
        if not self._database.read(lambda connection: has_contact(connection, cluster, instance, epoch)):
            self._database.write(lambda connection: write_contact(connection, cluster, instance, epoch))

    def record_signal(self, cluster: str, signal: SignalEntry) -> None:
        self._database.write(
            lambda connection: write_signal(connection, self._database.time, cluster, signal)
        )

    def _claim(self, cluster_id: str, worker: str) -> SqlLease | None:
        sent_at = self._clock.now()
        grant = self._database.write(
            lambda connection: claim_cluster(connection, self._database.time, cluster_id, worker)
        )
        return None if grant is None else SqlLease(self._database, self._watch, self._clock, grant, sent_at)

    def _note_wish(self, operation_id: str, *, retries: bool) -> Operation | None:
        return self._database.write(
            lambda connection: note_wish(connection, self._database.time, operation_id, retries=retries)
        )

    def _read(self, connection: Connection, cluster: str) -> ClusterSnapshot | None:
        row = find_cluster_row(connection, cluster, writes=False)
        return (
            None if row is None else read_snapshot(connection, row, self._database.time.read_now(connection))
        )

    def _read_sequences(self, operation_ids: Collection[str]) -> Mapping[str, int]:
        query = select(operations.c.id, operations.c.sequence).where(operations.c.id.in_(operation_ids))
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: row.sequence for row in rows}
