"""Orders for tests, in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from guestagent.resources.interface import ResourceManager
from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order

REQUEST_NUMBERS = count(1)
DESCRIPTION: Mapping[str, object] = {
    "flavor": "m1.tiny",
    "image": "guestagent-mariadb",
    "subnet": "embedded-subnet",
    "volume": {"size_gib": 1},
    "source": {},
    "replicas": 1,
}
"""Of a source and a replica in the embedded cloud."""
LONE_SOURCE: Mapping[str, object] = {**DESCRIPTION, "replicas": 0}


def build_order(order_type: type[Order], cluster: str = "shop", **values: Any) -> Any:
    """Return an order with a request id of its own, unless one is given."""
    return order_type(**{"request_id": f"request-{next(REQUEST_NUMBERS)}", "cluster": cluster, **values})


def carry_out(manager: ResourceManager, order_type: type[Order], **values: Any) -> Operation:
    """Give an order, and return its operation when it has ended."""
    return await_end(manager, manager.submit(build_order(order_type, **values)))


def await_end(manager: ResourceManager, operation: Operation) -> Operation:
    """Return the operation when it has ended."""
    while not operation.state.is_final:
        operation = manager.wait(operation.id, operation.sequence, 20)
    return operation
