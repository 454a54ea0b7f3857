"""The resource manager for a program that reaches it over a message broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guestagent.errors import ServiceUnreachable
from guestagent.resources.interface import WAIT_LIMIT_S, Capabilities
from guestagent.resources.operation import Operation
from guestagent.resources.operation_document import load_operation, load_refusal
from guestagent.resources.order_shapes import dump_order
from guestagent.resources.orders import Order


class RequestChannel(Protocol):
    """Sends a request and returns the answer's document. Raises ServiceUnreachable if there is none in time."""

    def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]: ...


class ResourceClient:
    """A ResourceManager whose service is elsewhere.

    Beside OrderRefused it raises ServiceUnreachable: an order may have been accepted then. The same order, with the
    same request id, asks again.
    """

    def __init__(self, sender: RequestChannel) -> None:
        self._sender = sender

    def submit(self, order: Order) -> Operation:
        return self._ask_operation(order.kind, dump_order(order))

    def operation(self, operation_id: str) -> Operation:
        return self._ask_operation("operation", {"operation": operation_id})

    def operations(self, cluster: str) -> Sequence[Operation]:
        documents = self._ask("operations", {"cluster": cluster}, "operations")
        return tuple(_read_operation(document) for document in documents)

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        seconds = min(max(int(up_to_s), 0), WAIT_LIMIT_S)
        return self._ask_operation("wait", {"operation": operation_id, "after": after, "up_to_s": seconds})

    def cancel(self, operation_id: str) -> Operation:
        return self._ask_operation("cancel", {"operation": operation_id})

    def retry(self, operation_id: str) -> Operation:
        return self._ask_operation("retry", {"operation": operation_id})

    def capabilities(self) -> Capabilities:
        document = self._ask("capabilities", {}, "capabilities")
        return Capabilities(str(document["engine"]), tuple(map(str, document["orders"])))

    def _ask_operation(self, method: str, request: Mapping[str, Any]) -> Operation:
        return _read_operation(self._ask(method, request, "operation"))

    def _ask(self, method: str, request: Mapping[str, Any], key: str) -> Any:
        """Return the answer's value of this key. Raise OrderRefused for a refusal."""
        answer = self._sender.send(method, request)
        if "refusal" in answer:
            raise load_refusal(answer["refusal"]).build_error()
        if key not in answer:
            raise ServiceUnreachable(f"the answer to {method} is none of the resource manager's")
        return answer[key]


def _read_operation(document: Mapping[str, Any]) -> Operation:
    try:
        return load_operation(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceUnreachable(
            "the answer holds no operation: is the service of another version?"
        ) from error
