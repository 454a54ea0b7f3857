"""Takes orders: checks each, writes it down, and answers. The work is left to the loop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

from guestagent.errors import OrderRefused
from guestagent.metadata.limits import VOLUME_SIZE_LIMIT_GIB
from guestagent.resources.caller_errors import refuse_on_errors
from guestagent.resources.caller_input import check_cluster_name, check_operation_id, check_order, limit_wait
from guestagent.resources.cluster_queries import ClusterQueries
from guestagent.resources.engine import ResourceEngine
from guestagent.resources.engine_selection import EngineSelection
from guestagent.resources.interface import (
    ANSWER_LIMIT_BYTES,
    INTERFACE_VERSION,
    QUERIES,
    REQUEST_LIMIT_BYTES,
    WAIT_LIMIT_S,
    Capabilities,
)
from guestagent.resources.operation import Operation, RefusalCode
from guestagent.resources.order_shapes import FINDINGS_LIMIT, RULES_LIMIT
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.store.protocol import EVENT_LIMIT, HISTORY_LIMIT, QUEUE_LIMIT, OrderStore
from guestagent.resources.store.records import ClusterQueue, EventEntry
from guestagent.resources.views import (
    AuditFinding,
    ClusterOwner,
    ClusterSummary,
    GroupView,
    InstanceView,
    PreflightFinding,
)

Entry = TypeVar("Entry", Operation, EventEntry)
LIMITS = {
    "queue": QUEUE_LIMIT,
    "history": HISTORY_LIMIT,
    "events": EVENT_LIMIT,
    "wait_s": WAIT_LIMIT_S,
    "volume_gib": VOLUME_SIZE_LIMIT_GIB,
    "rules": RULES_LIMIT,
    "findings": FINDINGS_LIMIT,
    "request_bytes": REQUEST_LIMIT_BYTES,
    "answer_bytes": ANSWER_LIMIT_BYTES,
}


class OrderIntake:
    """The ResourceManager over a store. What concerns orders takes no request to the cloud."""

    def __init__(self, store: OrderStore, engines: EngineSelection) -> None:
        self._store, self._engines = store, engines
        self._queries = ClusterQueries(store, engines)

    def submit(self, order: Order) -> Operation:
        with refuse_on_errors():
            order = check_order(order)
            owner = self._engines.choose_owner(order)
            return self._store.accept(order, owner, lambda waiting: self._check(waiting, order, owner))

    def operation(self, operation_id: str) -> Operation:
        with refuse_on_errors():
            check_operation_id(operation_id)
            return _require_operation(self._store.operation(operation_id), operation_id)

    def operations(self, cluster: str) -> Sequence[Operation]:
        with refuse_on_errors():
            check_cluster_name(cluster)
            return self._require_entries(self._store.operations(cluster), cluster)

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        with refuse_on_errors():
            check_operation_id(operation_id)
            operation = self._store.wait(operation_id, after, limit_wait(up_to_s))
            return _require_operation(operation, operation_id)

    def cancel(self, operation_id: str) -> Operation:
        with refuse_on_errors():
            check_operation_id(operation_id)
            return _require_operation(self._store.cancel(operation_id), operation_id)

    def retry(self, operation_id: str) -> Operation:
        with refuse_on_errors():
            check_operation_id(operation_id)
            operation = _require_operation(self._store.operation(operation_id), operation_id)
            if not operation.needs_person:
                return operation  # A retry would only lengthen the time that the operation may take.
            return _require_operation(self._store.retry(operation_id), operation_id)

    def events(self, cluster: str) -> Sequence[EventEntry]:
        with refuse_on_errors():
            check_cluster_name(cluster)
            return self._require_entries(self._store.events(cluster), cluster)

    def clusters(self) -> Sequence[ClusterSummary]:
        with refuse_on_errors():
            return self._queries.list_summaries()

    def instances(self, cluster: str) -> Sequence[InstanceView]:
        with refuse_on_errors():
            check_cluster_name(cluster)
            return self._queries.list_instances(cluster)

    def security_groups(self, cluster: str) -> Sequence[GroupView]:
        with refuse_on_errors():
            check_cluster_name(cluster)
            return self._queries.list_groups(cluster)

    def owner(self, cluster: str) -> ClusterOwner:
        with refuse_on_errors():
            check_cluster_name(cluster)
            return self._queries.find_owner(cluster)

    def preflight(self, order: CreateCluster) -> Sequence[PreflightFinding]:
        with refuse_on_errors():
            return self._queries.preflight(check_order(order))

    def audit(self) -> Sequence[AuditFinding]:
        with refuse_on_errors():
            return self._queries.audit()

    def capabilities(self) -> Capabilities:
        engines = self._engines
        return Capabilities(
            engine=engines.name,
            orders=tuple(sorted(engines.orders)),
            owners={name: tuple(sorted(engine.orders)) for name, engine in sorted(engines.engines.items())},
            new_owner=engines.new,
            queries=QUERIES,
            limits=LIMITS,
            version=INTERFACE_VERSION,
        )

    def _require_entries(self, entries: Sequence[Entry], cluster: str) -> Sequence[Entry]:
        """Return the entries of a cluster. Without any, refuse if there is no such cluster."""
        if not entries:
            self._queries.require_cluster(cluster)
        return entries

    def _check(self, waiting: ClusterQueue | None, order: Order, owner: str) -> None:
        """Try the order on the cluster as it will be after the orders that wait."""
        if waiting is not None:
            self._check_remains(waiting, order)
            owner = waiting.cluster.engine
        engine = self._engines.find_engine(owner, order.cluster)
        if order.kind not in engine.orders:
            message = f"engine {engine.name} cannot do {order.kind}: capabilities lists what it can do"
            raise OrderRefused(RefusalCode.UNSUPPORTED, message)
        engine.apply_order(_foresee_wanted(engine, waiting), order)

    def _check_remains(self, waiting: ClusterQueue, order: Order) -> None:
        """Refuse a creation while the remains of a cluster of another engine are cleaned under the same name."""
        is_empty = waiting.cluster.wanted is None
        if isinstance(order, CreateCluster) and is_empty and waiting.cluster.engine != self._engines.new:
            message = f"remains of an earlier cluster {order.cluster} are being cleaned: try again when that has ended"
            raise OrderRefused(RefusalCode.BUSY, message)


def _foresee_wanted(engine: ResourceEngine, waiting: ClusterQueue | None) -> str | None:
    """Return what is wanted of a cluster after the orders that wait. Those that will be refused change nothing."""
    if waiting is None:
        return None
    wanted = waiting.cluster.wanted
    for queued in waiting.queue:
        if queued.operation.started_at is None:
            with suppress(OrderRefused):
                wanted = engine.apply_order(wanted, queued.order)
    return wanted


def _require_operation(operation: Operation | None, operation_id: str) -> Operation:
    if operation is None:
        raise OrderRefused(RefusalCode.NOT_FOUND, f"there is no operation {operation_id}")
    return operation
