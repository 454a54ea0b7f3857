"""The resource manager for a program that reaches it over a message broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from guestagent.errors import ServiceUnreachable
from guestagent.resources.caller_input import limit_wait
from guestagent.resources.interface import Capabilities
from guestagent.resources.operation import Operation
from guestagent.resources.operation_document import load_operation, load_refusal
from guestagent.resources.order_shapes import dump_order
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.rpc.answer_pages import read_pages
from guestagent.resources.store.records import EventEntry
from guestagent.resources.view_documents import View, load_view
from guestagent.resources.views import (
    AuditFinding,
    ClusterOwner,
    ClusterSummary,
    GroupView,
    InstanceView,
    PreflightFinding,
)

T = TypeVar("T", bound=View)
Value = TypeVar("Value")


class RequestChannel(Protocol):
    """Sends a request and returns the answer's document. Raises ServiceUnreachable if there is none in time."""

    def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]: ...


class ResourceClient:
    """A ResourceManager whose service is elsewhere.

    Beside OrderRefused it raises ServiceUnreachable: an order may have been accepted then. The same order, with the
    same request id, asks again.
    """

    def __init__(self, sender: RequestChannel, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sender, self._sleep = sender, sleep

    def submit(self, order: Order) -> Operation:
        return self._ask_operation(order.kind, dump_order(order))

    def operation(self, operation_id: str) -> Operation:
        return self._ask_operation("operation", {"operation": operation_id})

    def operations(self, cluster: str) -> Sequence[Operation]:
        documents = self._ask_list("operations", {"cluster": cluster}, "operations")
        return _read(lambda: tuple(load_operation(document) for document in documents))

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        seconds = int(limit_wait(up_to_s))
        request = {"operation": operation_id, "after": after, "up_to_s": seconds}
        answer = self._send("wait", request, "operation")
        operation = _read(lambda: load_operation(answer["operation"]))
        if operation.sequence <= after and not operation.state.is_final:
            # The service has no thread to wait in, so this one waits before the next question.
            self._sleep(_read(lambda: min(float(answer.get("pause_s", 0)), seconds)))
        return operation

    def cancel(self, operation_id: str) -> Operation:
        return self._ask_operation("cancel", {"operation": operation_id})

    def retry(self, operation_id: str) -> Operation:
        return self._ask_operation("retry", {"operation": operation_id})

    def events(self, cluster: str) -> Sequence[EventEntry]:
        return self._ask_views(EventEntry, "events", {"cluster": cluster}, "events")

    def clusters(self) -> Sequence[ClusterSummary]:
        return self._ask_views(ClusterSummary, "clusters", {}, "clusters")

    def instances(self, cluster: str) -> Sequence[InstanceView]:
        return self._ask_views(InstanceView, "instances", {"cluster": cluster}, "instances")

    def security_groups(self, cluster: str) -> Sequence[GroupView]:
        return self._ask_views(GroupView, "security_groups", {"cluster": cluster}, "security_groups")

    def owner(self, cluster: str) -> ClusterOwner:
        document = self._ask("owner", {"cluster": cluster}, "owner")
        return _read(lambda: load_view(ClusterOwner, document))

    def preflight(self, order: CreateCluster) -> Sequence[PreflightFinding]:
        documents = self._ask("preflight", dump_order(order), "findings")
        return _read(lambda: tuple(load_view(PreflightFinding, document) for document in documents))

    def audit(self) -> Sequence[AuditFinding]:
        return self._ask_views(AuditFinding, "audit", {}, "findings")

    def capabilities(self) -> Capabilities:
        document = self._ask("capabilities", {}, "capabilities")
        return _read(lambda: load_view(Capabilities, document))

    def _ask_views(
        self, view_type: type[T], method: str, request: Mapping[str, Any], key: str
    ) -> tuple[T, ...]:
        documents = self._ask_list(method, request, key)
        return _read(lambda: tuple(load_view(view_type, document) for document in documents))

    def _ask_list(self, method: str, request: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        """Return the elements of a list, whose pages are asked for one after another."""

        def read_page(start: int) -> tuple[Sequence[Mapping[str, Any]], int | None]:
            answer = self._send(method, {**request, "start": start}, key)
            return answer[key], answer.get("next")

        return _read(lambda: read_pages(read_page))

    def _ask_operation(self, method: str, request: Mapping[str, Any]) -> Operation:
        document = self._ask(method, request, "operation")
        return _read(lambda: load_operation(document))

    def _ask(self, method: str, request: Mapping[str, Any], key: str) -> Any:
        return self._send(method, request, key)[key]

    def _send(self, method: str, request: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Return the answer, which has a value of this key. Raise OrderRefused for a refusal."""
        answer = self._sender.send(method, request)
        if "refusal" in answer:
            raise load_refusal(answer["refusal"]).build_error()
        if key not in answer:
            raise ServiceUnreachable(f"the answer to {method} is none of the resource manager's")
        return answer


def _read(read: Callable[[], Value]) -> Value:
    """Return what `read` makes of an answer. Raise ServiceUnreachable if that is none of the resource manager's."""
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceUnreachable("the answer cannot be read: is the service of another version?") from error
