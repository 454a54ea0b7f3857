"""Checks what callers hand over, in Python as strictly as over the wire: the store has to read it again. Pure."""

from __future__ import annotations

import json
from typing import TypeVar

from guestagent.errors import InvalidOrder, Problem
from guestagent.metadata.schema_types import Shape, Text
from guestagent.resources.interface import REQUEST_LIMIT_BYTES, WAIT_LIMIT_S
from guestagent.resources.order_shapes import CLUSTER_NAME, dump_order, read_order
from guestagent.resources.orders import Order
from guestagent.validation import Problems, describe_type

OPERATION_ID = Text(64, description="the id of an operation")
AnyOrder = TypeVar("AnyOrder", bound=Order)


def check_order(order: AnyOrder) -> AnyOrder:
    """Return the order as its document says it. Raise InvalidOrder with every problem."""
    if not isinstance(order, Order):
        raise InvalidOrder([Problem("document", "an order", describe_type(order))])
    checked = read_order(order.kind, dump_order(order))
    check_request_size(dump_order(checked))
    assert isinstance(checked, type(order)), "the kind tells the type"
    return checked


def check_request_size(document: object) -> None:
    """Raise InvalidOrder for a document that is too long for a request."""
    if len(json.dumps(document)) > REQUEST_LIMIT_BYTES:
        raise InvalidOrder([Problem("document", f"at most {REQUEST_LIMIT_BYTES} bytes", "more")])


def check_cluster_name(name: str) -> None:
    """Raise InvalidOrder if no cluster can have this name."""
    _check_text(CLUSTER_NAME, "cluster", name)


def check_operation_id(operation_id: str) -> None:
    """Raise InvalidOrder if no operation can have this id."""
    _check_text(OPERATION_ID, "operation", operation_id)


def limit_wait(up_to_s: float) -> float:
    """Return the seconds that a caller may wait, of those that it asks for; NaN is as long as possible."""
    # Of NaN and another number, `min` and `max` return the first.
    return max(0.0, min(WAIT_LIMIT_S, up_to_s))


def _check_text(shape: Shape[str], path: str, text: str) -> None:
    problems = Problems()
    shape.read(problems.open_cursor(text, path))
    problems.raise_if_any(InvalidOrder)
