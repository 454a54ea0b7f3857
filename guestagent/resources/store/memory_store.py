"""The fake of a store: the same behaviour in memory, for tests. Threads may share it, processes cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count

from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order
from guestagent.resources.store.look_changes import find_look_change, measure_ages
from guestagent.resources.store.memory_lease import MemoryLease
from guestagent.resources.store.memory_rows import MemoryCluster, MemoryRows
from guestagent.resources.store.operation_rules import (
    build_operation,
    check_queue_length,
    check_same_order,
    compute_order_digest,
    show_times,
)
from guestagent.resources.store.protocol import LEASE_S, CheckOrder
from guestagent.resources.store.records import (
    ClusterRecord,
    ClusterSnapshot,
    EventEntry,
    QueuedOperation,
    SignalEntry,
    StoreLoad,
)
from guestagent.resources.store.steady_time import start_steady_time
from guestagent.resources.store.store_clock import ManualClock, StoreClock

MEMORY_STORE_ID = "00000000-0000-4000-8000-000000000000"


class MemoryStore:
    """An OrderStore without a disk. Its time is that of `clock`; ids are the same in every run."""

    def __init__(self, clock: StoreClock | None = None, store_id: str = MEMORY_STORE_ID) -> None:
        self._clock = ManualClock() if clock is None else clock
        self._time = start_steady_time(self._clock)
        self._store_id = store_id
        self._rows = MemoryRows()
        self._numbers = count(1)

    @property
    def id(self) -> str:
        return self._store_id

    def accept(self, order: Order, engine: str, check: CheckOrder) -> Operation:
        rows = self._rows
        with rows.changed:
            if order.request_id in rows.ids:
                operation = rows.operations[rows.ids[order.request_id]]
                check_same_order(order, rows.digests[operation.id])
                return self._show(operation)
            now = self._time.now()
            cluster = rows.clusters.get(order.cluster)
            check_queue_length(order, 0 if cluster is None else len(cluster.queue))
            check(None if cluster is None else cluster.build_queue())
            if cluster is None:
                record = ClusterRecord(id=rows.build_id(), name=order.cluster, engine=engine)
                cluster = MemoryCluster(record, due_at=now)
                rows.clusters[order.cluster] = cluster
            number = next(self._numbers)
            operation = build_operation(order, rows.build_id(), now)
            rows.add_operation(operation, compute_order_digest(order))
            cluster.queue[operation.id] = QueuedOperation(operation=operation, order=order, number=number)
            cluster.add_news(now)
            rows.changed.notify_all()
            return self._show(operation)

    def operation(self, operation_id: str) -> Operation | None:
        operation = self._rows.operations.get(operation_id)
        return None if operation is None else self._show(operation)

    def operations(self, cluster: str) -> Sequence[Operation]:
        with self._rows.changed:
            history = self._rows.histories.get(cluster, [])
            return tuple(self._show(self._rows.operations[each]) for each in reversed(history))

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation | None:
        until = time.monotonic() + up_to_s
        with self._rows.changed:
            while True:
                operation = self.operation(operation_id)
                remaining_s = until - time.monotonic()
                if operation is None or operation.state.is_final:
                    return operation
                if operation.sequence > after or remaining_s <= 0:
                    return operation
                self._rows.changed.wait(remaining_s)

    def cancel(self, operation_id: str) -> Operation | None:
        return self._note_wish(operation_id, lambda queued: replace(queued, is_cancelled=True))

    def retry(self, operation_id: str) -> Operation | None:
        return self._note_wish(operation_id, lambda queued: replace(queued, retries=queued.retries + 1))

    def read(self, cluster: str) -> ClusterSnapshot | None:
        with self._rows.changed:
            stored = self._rows.clusters.get(cluster)
            return None if stored is None else stored.build_snapshot(self._time.now())

    def read_record(self, cluster: str) -> ClusterRecord | None:
        with self._rows.changed:
            stored = self._rows.clusters.get(cluster)
            return None if stored is None else stored.record

    def read_version(self, cluster: str) -> str | None:
        with self._rows.changed:
            stored = self._rows.clusters.get(cluster)
            return None if stored is None else stored.version

    def peek_version(self, cluster: str) -> str | None:
        return self.read_version(cluster)

    def events(self, cluster: str) -> Sequence[EventEntry]:
        with self._rows.changed:
            wall_offset_s = self._time.read_wall_offset()
            entries = self._rows.events.get(cluster, ())
            return tuple(EventEntry(entry.at + wall_offset_s, entry.text) for entry in entries)

    def clusters(self) -> Sequence[ClusterRecord]:
        with self._rows.changed:
            return tuple(self._rows.clusters[name].record for name in sorted(self._rows.clusters))

    def read_load(self) -> StoreLoad:
        with self._rows.changed:
            return self._rows.build_load(self._time.now())

    def claim(self, worker: str) -> MemoryLease | None:
        with self._rows.changed:
            now = self._time.now()
            free = [
                each for each in self._rows.clusters.values() if max(each.due_at, each.lease_until) <= now
            ]
            if not free:
                return None
            cluster = min(free, key=lambda each: (each.due_at, each.record.name))
            # News during the lease make it due earlier.
            cluster.due_at = cluster.lease_until = now + LEASE_S
            cluster.lease_number += 1
            cluster.has_worker = True
            return MemoryLease(self._rows, self._time, cluster)

    def record_contact(self, cluster: str, instance: str, epoch: int, reader: str) -> None:
        with self._rows.changed:
            if cluster in self._rows.clusters:
                texts = self._rows.clusters[cluster].add_contact(instance, epoch, reader)
                now = self._time.now()
                self._rows.events[cluster].extend(EventEntry(now, text) for text in texts)

    def record_key_contact(self, cluster: str, instance: str, key_id: str) -> None:
        with self._rows.changed:
            stored = self._rows.clusters.get(cluster)
            if stored is not None and (instance, key_id) not in stored.key_contacts:
                stored.key_contacts.add((instance, key_id))
                stored.add_news(self._time.now())

    def record_signal(self, cluster: str, signal: SignalEntry) -> None:
        with self._rows.changed:
            if cluster in self._rows.clusters:
                self._rows.clusters[cluster].add_signal(signal, self._time.now())

    def read_time(self) -> float:
        return self._time.now()

    def note_looks(
        self, engine: str, looked_at: float, findings: Mapping[str, Collection[str]], *, is_whole: bool
    ) -> Mapping[str, float]:
        with self._rows.changed:
            known = self._rows.looks[engine]
            change = find_look_change(known, findings, is_whole=is_whole)
            known |= dict.fromkeys(change.added, self._time.now())
            for key in change.forgotten:
                del known[key]
            return measure_ages(known, findings, looked_at)

    def _note_wish(
        self, operation_id: str, note: Callable[[QueuedOperation], QueuedOperation]
    ) -> Operation | None:
        """Note a wish on a queued operation, and make its cluster due. Return the operation of that id."""
        with self._rows.changed:
            operation = self._rows.operations.get(operation_id)
            if operation is not None and not operation.state.is_final:
                cluster = self._rows.clusters[operation.cluster]
                cluster.queue[operation_id] = note(cluster.queue[operation_id])
                cluster.add_news(self._time.now())
            return None if operation is None else self._show(operation)

    def _show(self, operation: Operation) -> Operation:
        return show_times(operation, self._time.read_wall_offset())
