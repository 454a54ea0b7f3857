"""Works off the orders of one cluster after another. Killed anywhere, another worker goes on from the store."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from guestagent.errors import CloudError, OrderRefused, StorageError
from guestagent.resources.engine import ResourceEngine
from guestagent.resources.operation import Operation, OperationState, OrderRefusal, RefusalCode
from guestagent.resources.order_effects import ReadDescription, apply_order
from guestagent.resources.store.protocol import ClusterLease, LeaseLost, OrderStore
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot
from guestagent.resources.wanted_document import dump_wanted, load_wanted

LOG = logging.getLogger(__name__)
UNREACHABLE_PAUSE_S = 10.0
"""After a request without an answer; the engine itself looks for what became of it."""
FAILURE_PAUSE_S = 300.0
"""After what another round will hardly change: the store cannot be read, or there is a bug."""


class WorkLoop:
    """One worker. `engines` are those that own clusters, by name."""

    def __init__(
        self,
        store: OrderStore,
        engines: Mapping[str, ResourceEngine],
        read_description: ReadDescription,
        worker: str,
    ) -> None:
        self._store, self._engines, self._worker = store, engines, worker
        self._read_description = read_description

    def work_once(self) -> bool:
        """Do one round for the cluster that has been due for longest. Return whether there was one."""
        lease = self._store.claim(self._worker)
        if lease is None:
            return False
        try:
            lease.release(self._work_on(lease))
        except LeaseLost:
            LOG.warning("another worker took cluster %s over", lease.cluster)
        return True

    def _work_on(self, lease: ClusterLease) -> float:
        """Do one round and return the seconds until the next."""
        try:
            snapshot = lease.read()
            while self._start_operation(lease, snapshot):
                snapshot = lease.read()
            return self._engines[snapshot.cluster.engine].advance(lease, snapshot).pause_s
        except CloudError as error:
            _note_waiting(lease, str(error))
            return UNREACHABLE_PAUSE_S
        except StorageError as error:
            LOG.error("cluster %s: %s", lease.cluster, error)
            return FAILURE_PAUSE_S
        except LeaseLost:
            raise
        except Exception:
            # A bug that one cluster shows must not stop the others.
            LOG.exception("cluster %s: a bug", lease.cluster)
            return FAILURE_PAUSE_S

    def _start_operation(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> bool:
        """Start the first operation of the queue, if none runs. Its effect and its new state are one write.

        Return whether anything was written. An order that no longer makes sense fails, and the next one is first.
        """
        if not snapshot.queue or snapshot.queue[0].operation.state is not OperationState.ACCEPTED:
            return False
        queued = snapshot.queue[0]
        operation, now = queued.operation, snapshot.now
        if queued.is_cancelled:
            lease.write(ClusterChange(operations=(_end(operation, OperationState.CANCELLED, now),)))
            return True
        document = snapshot.cluster.wanted
        try:
            wanted = apply_order(
                None if document is None else load_wanted(document), queued.order, self._read_description
            )
        except OrderRefused as error:
            refusal = OrderRefusal(RefusalCode(error.code), error.message, error.problems)
            failed = replace(_end(operation, OperationState.FAILED, now), refusal=refusal)
            lease.write(ClusterChange(operations=(failed,)))
            return True
        running = replace(operation, state=OperationState.RUNNING, started_at=now)
        lease.write(ClusterChange(wanted=dump_wanted(wanted), operations=(running,)))
        return True


def _end(operation: Operation, state: OperationState, now: float) -> Operation:
    return replace(operation, state=state, ended_at=now, waiting_for="", step="")


def _note_waiting(lease: ClusterLease, reason: str) -> None:
    """Show why the running operation waits, if that is new."""
    for queued in lease.read().queue[:1]:
        if queued.operation.waiting_for != reason:
            lease.write(ClusterChange(operations=(replace(queued.operation, waiting_for=reason),)))
