"""The store of orders in a database: a file of SQLite, or a MariaDB or MySQL server for several hosts."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order
from guestagent.resources.store.look_changes import find_look_change, measure_ages
from guestagent.resources.store.operation_rules import show_times
from guestagent.resources.store.operation_watch import OperationWatch
from guestagent.resources.store.protocol import CheckOrder
from guestagent.resources.store.records import (
    ClusterRecord,
    ClusterSnapshot,
    EventEntry,
    SignalEntry,
    StoreLoad,
)
from guestagent.resources.store.sql_acceptance import accept_order, note_wish, write_key_contact
from guestagent.resources.store.sql_contacts import is_known_contact, write_contact
from guestagent.resources.store.sql_database import SqlDatabase
from guestagent.resources.store.sql_lease import SqlLease, claim_cluster, end_all_leases, list_due_clusters
from guestagent.resources.store.sql_load import read_store_load
from guestagent.resources.store.sql_looks import read_looks, write_looks
from guestagent.resources.store.sql_rebuild import (
    FormerCluster,
    find_traces,
    require_empty,
    write_former_clusters,
)
from guestagent.resources.store.sql_rows import read_cluster, read_operation
from guestagent.resources.store.sql_signals import is_known_signal, write_signal
from guestagent.resources.store.sql_snapshot import find_cluster_row, read_snapshot, read_version
from guestagent.resources.store.store_schema import has_keys, note_keys
from guestagent.resources.store.tables import clusters, events, operations
from guestagent.resources.store.version_peek import VersionPeek
from guestagent.retry import Clock

_SELECT_RECORD: Select[Any] = select(clusters).where(clusters.c.name == bindparam("name"))
_SELECT_VERSION: Select[Any] = select(clusters.c.id, clusters.c.lease_owner, clusters.c.news).where(
    clusters.c.name == bindparam("name")
)


class SqlStore:
    """An OrderStore on a database whose tables exist; `open_store` makes both. Threads and processes may share it.

    `clock` is the worker's own: it tells how long a lease lasts at least. `peek` is for a store in a file.
    """

    def __init__(
        self, database: SqlDatabase, store_id: str, clock: Clock, peek: VersionPeek | None = None
    ) -> None:
        self._database, self._store_id, self._clock, self._peek = database, store_id, clock, peek
        self._watch = OperationWatch(self._read_sequences)

    @property
    def id(self) -> str:
        return self._store_id

    def close(self) -> None:
        """Close all connections."""
        if self._peek is not None:
            self._peek.close()
        self._database.close()

    def accept(self, order: Order, engine: str, check: CheckOrder) -> Operation:
        operation = self._database.write(
            lambda connection: accept_order(connection, self._database.time, order, engine, check)
        )
        return self._show(operation)

    def operation(self, operation_id: str) -> Operation | None:
        query = select(operations).where(operations.c.id == operation_id)
        row = self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else self._show(read_operation(row))

    def operations(self, cluster: str) -> Sequence[Operation]:
        is_whole = (operations.c.cluster == cluster) & (operations.c.document != "")
        query = select(operations).where(is_whole).order_by(operations.c.number.desc())
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return tuple(self._show(read_operation(row)) for row in rows)

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation | None:
        until = time.monotonic() + up_to_s
        while True:
            operation = self.operation(operation_id)
            if operation is None or operation.state.is_final or operation.sequence > after:
                return operation
            remaining_s = until - time.monotonic()
            if remaining_s <= 0 or self._watch.has_ended:
                return operation
            self._watch.await_change(operation_id, after, remaining_s)

    def end_waits(self) -> None:
        """Answer those who wait with what there is, from now on at once. They ask again, and reach another process."""
        self._watch.end_waits()

    def cancel(self, operation_id: str) -> Operation | None:
        return self._note_wish(operation_id, retries=False)

    def retry(self, operation_id: str) -> Operation | None:
        return self._note_wish(operation_id, retries=True)

    def read(self, cluster: str) -> ClusterSnapshot | None:
        return self._database.read(lambda connection: self._read(connection, cluster))

    def read_record(self, cluster: str) -> ClusterRecord | None:
        row = self._database.read(
            lambda connection: connection.execute(_SELECT_RECORD, {"name": cluster}).one_or_none()
        )
        return None if row is None else read_cluster(row)

    def read_version(self, cluster: str) -> str | None:
        row = self._database.read(
            lambda connection: connection.execute(_SELECT_VERSION, {"name": cluster}).one_or_none()
        )
        return None if row is None else read_version(row)

    def peek_version(self, cluster: str) -> str | None:
        return None if self._peek is None else self._peek.read(cluster)

    def events(self, cluster: str) -> Sequence[EventEntry]:
        query = (
            select(events.c.at, events.c.text).where(events.c.cluster == cluster).order_by(events.c.number)
        )
        rows = self._database.read(lambda connection: connection.execute(query).all())
        wall_offset_s = self._database.time.read_wall_offset()
        return tuple(EventEntry(row.at + wall_offset_s, row.text) for row in rows)

    def clusters(self) -> Sequence[ClusterRecord]:
        query = select(clusters).order_by(clusters.c.name)
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return tuple(read_cluster(row) for row in rows)

    def read_load(self) -> StoreLoad:
        return self._database.read(lambda connection: read_store_load(connection, self._database.time))

    def claim(self, worker: str) -> SqlLease | None:
        store_time = self._database.time
        for cluster_id in self._database.read(lambda connection: list_due_clusters(connection, store_time)):
            lease = self._claim(cluster_id, worker)
            if lease is not None:
                return lease
        return None

    def end_leases(self) -> int:
        """Let every cluster be claimed again, and return how many had a worker. No worker may be alive."""
        return self._database.write(lambda connection: end_all_leases(connection, self._database.time))

    def record_contact(self, cluster: str, instance: str, epoch: int, reader: str) -> None:
        contact = (cluster, instance, epoch, reader)
        # A guest reads its document every minute or so: all but its first contact need no write.
        if not self._database.read(lambda connection: is_known_contact(connection, *contact)):
            self._database.write(lambda connection: write_contact(connection, self._database.time, *contact))

    def record_key_contact(self, cluster: str, instance: str, key_id: str) -> None:
        self._database.write(
            lambda connection: write_key_contact(connection, self._database.time, cluster, instance, key_id)
        )

    def record_signal(self, cluster: str, signal: SignalEntry) -> None:
        if not self._database.read(lambda connection: is_known_signal(connection, cluster, signal)):
            self._database.write(
                lambda connection: write_signal(connection, self._database.time, cluster, signal)
            )

    def is_new(self) -> bool:
        """Return whether the store has never held an order, and the service's keys were not made for it."""
        return self._database.read(
            lambda connection: not has_keys(connection) and find_traces(connection) is None
        )

    def note_keys(self) -> None:
        """Note that the service's keys belong to this store: then it is not new any more."""
        self._database.write(note_keys)

    def require_empty(self) -> None:
        """Raise StorageError if the store has ever held an order."""
        self._database.read(require_empty)

    def write_former_clusters(self, store_id: str, former: Sequence[FormerCluster]) -> None:
        """Write the clusters of a lost store with its id, all or nothing. Raise StorageError unless this one is empty.

        Whoever has the store open still knows its former id: nobody else may.
        """
        self._database.write(
            lambda connection: write_former_clusters(connection, self._database.time, store_id, former)
        )
        self._store_id = store_id

    def read_time(self) -> float:
        return self._database.read(self._database.time.read_now)

    def note_looks(
        self, engine: str, looked_at: float, findings: Mapping[str, Collection[str]], *, is_whole: bool
    ) -> Mapping[str, float]:
        known = self._database.read(lambda connection: read_looks(connection, engine))
        if not find_look_change(known, findings, is_whole=is_whole).is_empty:
            known = self._database.write(
                lambda connection: write_looks(
                    connection,
                    engine,
                    findings,
                    is_whole=is_whole,
                    now=self._database.time.read_now(connection),
                )
            )
        return measure_ages(known, findings, looked_at)

    def _claim(self, cluster_id: str, worker: str) -> SqlLease | None:
        sent_at = self._clock.now()
        grant = self._database.write(
            lambda connection: claim_cluster(connection, self._database.time, cluster_id, worker)
        )
        return None if grant is None else SqlLease(self._database, self._watch, self._clock, grant, sent_at)

    def _note_wish(self, operation_id: str, *, retries: bool) -> Operation | None:
        operation = self._database.write(
            lambda connection: note_wish(connection, self._database.time, operation_id, retries=retries)
        )
        return None if operation is None else self._show(operation)

    def _show(self, operation: Operation) -> Operation:
        return show_times(operation, self._database.time.read_wall_offset())

    def _read(self, connection: Connection, cluster: str) -> ClusterSnapshot | None:
        row = find_cluster_row(connection, cluster, writes=False)
        return (
            None if row is None else read_snapshot(connection, row, self._database.time.read_now(connection))
        )

    def _read_sequences(self, operation_ids: Collection[str]) -> Mapping[str, int]:
        query = select(operations.c.id, operations.c.sequence).where(operations.c.id.in_(operation_ids))
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: row.sequence for row in rows}
