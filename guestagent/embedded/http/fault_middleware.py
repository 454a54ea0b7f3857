"""The application in front of each port, which answers in the place of a service during an outage."""

from __future__ import annotations

import asyncio

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guestagent.embedded.http.faults import FAULT_STATUSES, READ_METHODS, ActiveFaults, Fault
from guestagent.embedded.http.service_names import PortName, ServiceName, find_service
from guestagent.embedded.http.stale_reads import RecordedResponse, StaleReads

LOST_STATUS = 504  # a proxy's status if it got no response from a service


class FaultMiddleware:
    """An ASGI application in front of the services of a port."""

    def __init__(self, app: ASGIApp, port: PortName, faults: ActiveFaults, reads: StaleReads) -> None:
        self._app, self._port, self._faults, self._reads = app, port, faults, reads
        self._late_requests: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = find_service(self._port, scope.get("path", ""))
        if service is None:
            await self._app(scope, receive, send)
            return
        fault = self._faults.take_fault(service, scope["method"], _build_target(scope))
        if fault is None:
            await self._pass_on(service, scope, receive, send)
        elif fault.mode in FAULT_STATUSES:
            await _build_refusal(fault)(scope, receive, send)
        elif fault.mode == "lost":
            await self._pass_on(service, scope, receive, _discard_message)
            await PlainTextResponse("", LOST_STATUS)(scope, receive, send)
        elif fault.mode == "late":
            await self._hold_back(fault, service, scope, receive)
            await PlainTextResponse("", LOST_STATUS)(scope, receive, send)
        elif fault.mode == "stale":
            await self._answer_stale(service, scope, receive, send)
        else:
            await asyncio.sleep(fault.delay if fault.mode == "slow" else 0)
            await self._pass_on(service, scope, receive, send)

    def close(self) -> None:
        """Drop the requests that have not taken effect yet."""
        for task in self._late_requests:
            task.cancel()

    async def _pass_on(self, service: ServiceName, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the service answer, and remember its answer."""
        response = RecordedResponse()

        async def send_and_record(message: Message) -> None:
            response.messages.append(message)
            await send(message)

        await self._app(scope, receive, send_and_record)
        if scope["method"] in READ_METHODS and response.status == 200:
            self._reads.record_read(service, _build_target(scope), response)
        elif scope["method"] == "POST" and response.status < 300:
            self._reads.record_creation(service, response)

    async def _answer_stale(self, service: ServiceName, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a read as before the outage. What was created since is not found; other paths are as they are."""
        response = self._reads.find_response(service, _build_target(scope))
        if response is not None:
            await response.replay(send)
        elif self._reads.is_new(service, scope["path"]):
            await PlainTextResponse("", 404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _hold_back(self, fault: Fault, service: ServiceName, scope: Scope, receive: Receive) -> None:
        """Let the service process a request later, when its client has given up."""
        messages = await _read_messages(receive)

        async def repeat_message() -> Message:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def process() -> None:
            await asyncio.sleep(fault.delay)
            await self._pass_on(service, scope, repeat_message, _discard_message)

        task = asyncio.create_task(process())
        self._late_requests.add(task)
        task.add_done_callback(self._late_requests.discard)


def _build_refusal(fault: Fault) -> PlainTextResponse:
    headers = None if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return PlainTextResponse("", FAULT_STATUSES[fault.mode], headers)


def _build_target(scope: Scope) -> str:
    """Return the path and the query."""
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


async def _read_messages(receive: Receive) -> list[Message]:
    """Read a request to its end."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


async def _discard_message(message: Message) -> None:
    """Discard a response's message."""
