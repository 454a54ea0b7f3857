"""Reports the beginnings and ends of operations when a worker has written them. The store is the only record.

A worker that is killed between its write and the report reports nothing: who has to know the outcome asks the service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.store.protocol import ClusterLease, LeaseSource
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot

ReportOperation = Callable[[Operation], None]
"""Is called with an operation that has just begun or ended. It neither waits nor fails."""


class ReportingStore:
    """A store whose leases report what changes the state of an operation."""

    def __init__(self, store: LeaseSource, report: ReportOperation) -> None:
        self._store, self._report = store, report

    def claim(self, worker: str) -> ClusterLease | None:
        lease = self._store.claim(worker)
        return None if lease is None else _ReportingLease(lease, self._report)


class _ReportingLease:
    def __init__(self, lease: ClusterLease, report: ReportOperation) -> None:
        self._lease, self._report = lease, report
        self._states: dict[str, OperationState] = {}

    @property
    def cluster(self) -> str:
        return self._lease.cluster

    def can_send(self) -> bool:
        return self._lease.can_send()

    def renew(self) -> None:
        self._lease.renew()

    def read(self) -> ClusterSnapshot:
        snapshot = self._lease.read()
        self._note(tuple(queued.operation for queued in snapshot.queue))
        return snapshot

    def write(self, change: ClusterChange) -> None:
        self._lease.write(change)
        changed = [each for each in change.operations if self._states.get(each.id) is not each.state]
        self._note(change.operations)
        for operation in changed:
            self._report(operation)

    def release(self, pause_s: float) -> None:
        self._lease.release(pause_s)

    def _note(self, operations: Sequence[Operation]) -> None:
        self._states.update({operation.id: operation.state for operation in operations})
