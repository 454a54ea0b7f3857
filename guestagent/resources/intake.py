"""Takes orders: checks each, writes it down, and answers. The work is left to the loop."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from guestagent.errors import OrderRefused, StorageError
from guestagent.resources.engine import ResourceEngine
from guestagent.resources.interface import WAIT_LIMIT_S, Capabilities
from guestagent.resources.operation import Operation, RefusalCode
from guestagent.resources.order_effects import ReadDescription, apply_order, apply_orders
from guestagent.resources.orders import Order
from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import load_wanted

LOG = logging.getLogger(__name__)


class OrderIntake:
    """The ResourceManager over a store. Its answers take no request to the cloud."""

    def __init__(self, store: OrderStore, engine: ResourceEngine, read_description: ReadDescription) -> None:
        self._store, self._engine, self._read_description = store, engine, read_description

    def submit(self, order: Order) -> Operation:
        if order.kind not in self._engine.orders:
            raise OrderRefused(RefusalCode.UNSUPPORTED, f"engine {self._engine.name} cannot do {order.kind}")
        with _hide_storage_errors():
            return self._store.accept(
                order, self._engine.name, lambda snapshot: self._check_effect(snapshot, order)
            )

    def operation(self, operation_id: str) -> Operation:
        with _hide_storage_errors():
            return _require_operation(self._store.operation(operation_id), operation_id)

    def operations(self, cluster: str) -> Sequence[Operation]:
        with _hide_storage_errors():
            return self._store.operations(cluster)

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        with _hide_storage_errors():
            operation = self._store.wait(operation_id, after, min(max(up_to_s, 0.0), WAIT_LIMIT_S))
            return _require_operation(operation, operation_id)

    def cancel(self, operation_id: str) -> Operation:
        with _hide_storage_errors():
            return _require_operation(self._store.cancel(operation_id), operation_id)

    def retry(self, operation_id: str) -> Operation:
        with _hide_storage_errors():
            return _require_operation(self._store.retry(operation_id), operation_id)

    def capabilities(self) -> Capabilities:
        return Capabilities(self._engine.name, tuple(sorted(self._engine.orders)))

    def _check_effect(self, snapshot: ClusterSnapshot | None, order: Order) -> None:
        """Try the order on the cluster as it will be after the orders that wait."""
        wanted = _read_wanted(snapshot)
        queue = () if snapshot is None else snapshot.queue
        waiting_orders = [queued.order for queued in queue if not queued.operation.started_at]
        apply_order(
            apply_orders(wanted, waiting_orders, self._read_description), order, self._read_description
        )


def _read_wanted(snapshot: ClusterSnapshot | None) -> WantedCluster | None:
    document = None if snapshot is None else snapshot.cluster.wanted
    return None if document is None else load_wanted(document)


def _require_operation(operation: Operation | None, operation_id: str) -> Operation:
    if operation is None:
        raise OrderRefused(RefusalCode.NOT_FOUND, f"there is no operation {operation_id}")
    return operation


@contextmanager
def _hide_storage_errors() -> Iterator[None]:
    """Log what is wrong with the store, and tell a caller what it may know of that."""
    try:
        yield
    except StorageError as error:
        reference = secrets.token_hex(4)
        LOG.error("the store cannot be used (reference %s): %s", reference, error)
        message = "the store of orders cannot be used now"
        raise OrderRefused(RefusalCode.BUSY, message, reference=reference) from error
