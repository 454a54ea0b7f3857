"""Works off the orders of one cluster after another. Killed anywhere, another worker goes on from the store."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from guestagent.controller.service_pauses import find_pause_s
from guestagent.errors import CloudError, CloudUnreachable, OrderRefused, StorageError
from guestagent.resources.engine import ResourceEngine
from guestagent.resources.lease_keeper import NoKeeper, RoundKeeper
from guestagent.resources.operation import Operation, OperationState, OrderRefusal, RefusalCode
from guestagent.resources.operation_events import describe_end, describe_start
from guestagent.resources.store.protocol import ClusterLease, LeaseLost, LeaseSource
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot

LOG = logging.getLogger(__name__)
UNREACHABLE_PAUSE_S = 10.0
"""After a request without an answer; the engine itself looks for what became of it."""
REFUSED_PAUSE_S = 60.0
"""After the cloud has rejected the service's credentials: more tries could lock its account."""
FAILURE_PAUSE_S = 300.0
"""After what another round will hardly change: the store cannot be read, or there is a bug."""


class RoundObserver(Protocol):
    """Counts what workers do."""

    def count_round(self, seconds: float) -> None: ...
    def count_lease_loss(self) -> None: ...


class UnobservedRounds:
    """An observer that counts nothing."""

    def count_round(self, seconds: float) -> None:
        pass

    def count_lease_loss(self) -> None:
        pass


class WorkLoop:
    """One worker. `engines` are those that own clusters, by name; clusters of others are left alone."""

    def __init__(
        self,
        store: LeaseSource,
        engines: Mapping[str, ResourceEngine],
        worker: str,
        observer: RoundObserver | None = None,
        keeper: RoundKeeper | None = None,
    ) -> None:
        self._store, self._engines, self._worker = store, engines, worker
        self._keeper: RoundKeeper = NoKeeper() if keeper is None else keeper
        self._observer: RoundObserver = UnobservedRounds() if observer is None else observer

    def work_once(self) -> bool:
        """Do one round for the cluster that has been due for longest. Return whether there was one."""
        lease = self._store.claim(self._worker)
        if lease is None:
            return False
        started_at = time.monotonic()
        try:
            with self._keeper.keep(lease):
                pause_s = self._work_on(lease)
            lease.release(pause_s)
        except LeaseLost:
            LOG.warning("the lease of cluster %s is over: another worker may have taken it", lease.cluster)
            self._observer.count_lease_loss()
        self._observer.count_round(time.monotonic() - started_at)
        return True

    def _work_on(self, lease: ClusterLease) -> float:
        """Do one round and return the seconds until the next."""
        try:
            snapshot = lease.read()
            if snapshot.cluster.engine not in self._engines:
                LOG.warning(
                    "cluster %s is abandoned: no service runs engine %s",
                    lease.cluster,
                    snapshot.cluster.engine,
                )
                return FAILURE_PAUSE_S
            while self._start_operation(lease, snapshot):
                snapshot = lease.read()
            return self._engines[snapshot.cluster.engine].advance(lease, snapshot).pause_s
        except CloudUnreachable as error:
            _note_waiting(lease, str(error))
            return _choose_retry_pause(error)
        except CloudError as error:
            _note_waiting(lease, str(error))
            return REFUSED_PAUSE_S
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
            _write_end(lease, _end(operation, OperationState.CANCELLED, now))
            return True
        try:
            wanted = self._engines[snapshot.cluster.engine].apply_order(snapshot.cluster.wanted, queued.order)
        except OrderRefused as error:
            refusal = OrderRefusal(RefusalCode(error.code), error.message, error.problems)
            failed = replace(_end(operation, OperationState.FAILED, now), refusal=refusal)
            _write_end(lease, failed)
            return True
        running = replace(operation, state=OperationState.RUNNING, started_at=now)
        lease.write(ClusterChange(wanted=wanted, operations=(running,), events=(describe_start(running),)))
        return True


def _end(operation: Operation, state: OperationState, now: float) -> Operation:
    return replace(operation, state=state, ended_at=now, waiting_for="", step="")


def _write_end(lease: ClusterLease, operation: Operation) -> None:
    lease.write(ClusterChange(operations=(operation,), events=(describe_end(operation),)))


def _choose_retry_pause(error: CloudUnreachable) -> float:
    """Return the pause that the cloud asks for, within limits."""
    return max(UNREACHABLE_PAUSE_S, min(find_pause_s(error), FAILURE_PAUSE_S))


def _note_waiting(lease: ClusterLease, reason: str) -> None:
    """Show why the running operation waits, if that is new."""
    for queued in lease.read().queue[:1]:
        if queued.operation.waiting_for != reason:
            lease.write(ClusterChange(operations=(replace(queued.operation, waiting_for=reason),)))
