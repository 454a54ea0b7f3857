"""The rows of the memory store."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Condition
from uuid import UUID

from guestagent.resources.operation import Operation
from guestagent.resources.store.document_readers import describe_new_reader, is_known_reader
from guestagent.resources.store.look_changes import LookKey
from guestagent.resources.store.operation_rules import (
    build_next_operation,
    build_version,
    check_resource_key,
    choose_due_time,
    choose_signal_time,
    is_same_signal,
    list_outdated_generations,
)
from guestagent.resources.store.protocol import EVENT_LIMIT, HISTORY_LIMIT, REQUEST_ID_LIMIT
from guestagent.resources.store.records import (
    ClusterChange,
    ClusterQueue,
    ClusterRecord,
    ClusterSnapshot,
    EventEntry,
    QueuedOperation,
    ResourceKey,
    ResourceRecord,
    SignalEntry,
    StoreLoad,
)


@dataclass(slots=True)
class MemoryCluster:
    """A cluster's row with all that belongs to it. `news` counts all changes but contacts."""

    record: ClusterRecord
    due_at: float
    lease_until: float = 0.0
    lease_number: int = 0
    has_worker: bool = False
    news: int = 0
    queue: dict[str, QueuedOperation] = field(default_factory=dict)
    resources: dict[ResourceKey, ResourceRecord] = field(default_factory=dict)
    signals: dict[tuple[str, int], SignalEntry] = field(default_factory=dict)
    contacts: set[tuple[str, int]] = field(default_factory=set)
    readers: defaultdict[tuple[str, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    key_contacts: set[tuple[str, str]] = field(default_factory=set)

    def add_news(self, due_at: float) -> None:
        """Make the cluster due then; one that is due earlier keeps its place in the line."""
        self.news += 1
        self.due_at = min(self.due_at, due_at)

    def build_queue(self) -> ClusterQueue:
        """Return what decides about a new order."""
        return ClusterQueue(cluster=self.record, queue=tuple(self.queue.values()))

    def build_snapshot(self, now: float) -> ClusterSnapshot:
        """Return everything about the cluster."""
        return ClusterSnapshot(
            cluster=self.record,
            queue=tuple(self.queue.values()),
            resources=tuple(sorted(self.resources.values(), key=lambda record: record.key)),
            signals=tuple(self.signals[key] for key in sorted(self.signals)),
            contacts=frozenset(self.contacts),
            key_contacts=frozenset(self.key_contacts),
            now=now,
            version=self.version,
        )

    @property
    def version(self) -> str | None:
        return build_version(self.record.id, self.news, has_worker=self.has_worker)

    def list_next_operations(
        self, change: ClusterChange, operations: dict[str, Operation]
    ) -> list[Operation]:
        """Return the operations as the change leaves them, or raise ValueError before anything is changed."""
        for key in (*(record.key for record in change.resources), *change.forgotten):
            check_resource_key(key, self.record.name)
        latest: dict[str, Operation] = {}
        for operation in change.operations:
            stored = latest.get(operation.id) or operations.get(operation.id)
            latest[operation.id] = build_next_operation(stored, operation, self.record.name)
        return [*latest.values()]

    def apply_change(self, change: ClusterChange, next_operations: list[Operation]) -> None:
        """Change the rows; nothing can fail any more."""
        self.news += 1
        if change.wanted is not None:
            revision = self.record.revision + 1
            self.record = replace(self.record, wanted=change.wanted, revision=revision)
        if change.attention is not None:
            self.record = replace(self.record, attention=change.attention)
        for operation in next_operations:
            if operation.state.is_final:
                del self.queue[operation.id]
            else:
                self.queue[operation.id] = replace(self.queue[operation.id], operation=operation)
        for record in change.resources:
            self.resources[record.key] = record
        for key in change.forgotten:
            self.resources.pop(key, None)

    def add_contact(self, instance: str, epoch: int, reader: str) -> tuple[str, ...]:
        """Keep a contact and its reader. Return the events of that."""
        readers = self.readers[instance, epoch]
        if is_known_reader(readers, reader):
            return ()
        self.contacts.add((instance, epoch))
        events = describe_new_reader(readers, instance, reader)
        readers.append(reader)
        return events

    def add_signal(self, signal: SignalEntry, now: float) -> None:
        """Keep the signal, unless it is there already, and forget those of generations long past."""
        stored = self.signals.get((signal.instance, signal.generation))
        if is_same_signal(stored, signal):
            return
        at = choose_signal_time(stored, signal, now)
        self.signals[signal.instance, signal.generation] = replace(signal, at=at)
        kept = [entry for entry in self.signals.values() if entry.instance == signal.instance]
        for generation in list_outdated_generations(kept):
            del self.signals[signal.instance, generation]
        self.add_news(choose_due_time(stored, now))


class MemoryRows:
    """All rows of a store, and the lock that a transaction holds. `changed` is notified of each change."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.clusters: dict[str, MemoryCluster] = {}
        self.operations: dict[str, Operation] = {}
        self.digests: dict[str, str] = {}
        """Of each operation's order, by the operation's id."""
        self.ids: dict[str, str] = {}
        """Of the operation of each request id."""
        self.histories: defaultdict[str, list[str]] = defaultdict(list)
        """Ids of the operations of each cluster, the oldest first."""
        self.short_histories: defaultdict[str, list[str]] = defaultdict(list)
        """Ids of older ones, of which little is kept."""
        self.events: defaultdict[str, deque[EventEntry]] = defaultdict(lambda: deque(maxlen=EVENT_LIMIT))

        self.looks: defaultdict[str, dict[LookKey, float]] = defaultdict(dict)
        """When the findings of each engine's audits were seen first."""
        self._ids = count(1)

    def build_id(self) -> str:
        """Return the id of a new cluster or operation."""
        return str(UUID(int=next(self._ids)))

    def remove_cluster(self, cluster: MemoryCluster, now: float) -> None:
        """Remove the cluster. Orders that wait are those of another one, of which there is nothing yet."""
        name = cluster.record.name
        del self.clusters[name]
        if cluster.queue:
            record = ClusterRecord(id=self.build_id(), name=name, engine=cluster.record.engine)
            self.clusters[name] = MemoryCluster(record, due_at=now, news=1, queue=cluster.queue)

    def add_operation(self, operation: Operation, digest: str) -> None:
        """Keep a new operation."""
        self.operations[operation.id] = operation
        self.digests[operation.id] = digest
        self.ids[operation.request_id] = operation.id
        self.histories[operation.cluster].append(operation.id)

    def replace_operations(self, cluster: str, operations: Iterable[Operation]) -> None:
        """Keep changed operations of a cluster, and shorten or forget the oldest final ones."""
        has_ended = False
        for operation in operations:
            self.operations[operation.id] = operation
            has_ended |= operation.state.is_final
        if has_ended:
            self._prune(cluster)

    def build_load(self, now: float) -> StoreLoad:
        """Return what there is to do."""
        waiting = [
            each.due_at for each in self.clusters.values() if max(each.due_at, each.lease_until) <= now
        ]
        return StoreLoad(
            clusters=Counter(each.record.engine for each in self.clusters.values()),
            operations=Counter((each.kind, each.state) for each in self.operations.values()),
            oldest_due_s=now - min(waiting, default=now),
            attention=sum(
                bool(each.attention) and not each.state.is_final for each in self.operations.values()
            ),
        )

    def _prune(self, cluster: str) -> None:
        history = self.histories[cluster]
        final_ids = [each for each in history if self.operations[each].state.is_final]
        short_history = self.short_histories[cluster]
        for operation_id in final_ids[:-HISTORY_LIMIT]:
            history.remove(operation_id)
            short_history.append(operation_id)
            self.operations[operation_id] = replace(self.operations[operation_id], result={})
        while len(short_history) > REQUEST_ID_LIMIT - HISTORY_LIMIT:
            operation_id = short_history.pop(0)
            del self.ids[self.operations.pop(operation_id).request_id]
            del self.digests[operation_id]
