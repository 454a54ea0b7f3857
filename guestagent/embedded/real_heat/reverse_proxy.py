"""What stands before a real service and passes requests on untouched: a place to see them, and to have outages."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

LOOPBACK = "127.0.0.1"
RESPONSE_TIMEOUT_S = 300.0
HOP_BY_HOP_HEADERS = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"date", b"server"})

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """A request as it came: the target and the headers byte by byte, for a signature covers some of them."""

    method: str
    target: str
    headers: RawHeaders
    body: bytes


@dataclass(frozen=True, slots=True)
class ProxyResponse:
    """What the service said."""

    status_code: int
    headers: RawHeaders
    body: bytes


class ReverseProxy:
    """An ASGI application that is a service on a port of this machine. `look` sees each request before it."""

    def __init__(
        self, port: int, executor: Executor, look: Callable[[ProxyRequest], Awaitable[None]] | None = None
    ) -> None:
        self._port, self._executor, self._look = port, executor, look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        body = await Request(scope, receive).body()
        sent = ProxyRequest(scope["method"], target, list(scope["headers"]), body)
        if self._look is not None:
            await self._look(sent)
        await _response(await self.forward_request(sent))(scope, receive, send)

    async def forward_request(self, sent: ProxyRequest) -> ProxyResponse:
        """The service's answer; an empty 503, as a load balancer gives it, where there is none."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._ask, sent)
        except (OSError, http.client.HTTPException):
            return ProxyResponse(503, [], b"")

    def _ask(self, sent: ProxyRequest) -> ProxyResponse:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=RESPONSE_TIMEOUT_S)
        try:
            connection.putrequest(sent.method, sent.target, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.headers:
                if name not in HOP_BY_HOP_HEADERS:
                    connection.putheader(name, value)
            connection.putheader("Connection", "close")
            connection.endheaders(sent.body)
            got = connection.getresponse()
            headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in got.getheaders()]
            return ProxyResponse(
                got.status, [each for each in headers if each[0] not in HOP_BY_HOP_HEADERS], got.read()
            )
        finally:
            connection.close()


def _response(answer: ProxyResponse) -> Response:
    response = Response(answer.body, answer.status_code)
    given = [(name, value) for name, value in answer.headers if name != b"content-length"]
    length = [each for each in response.raw_headers if each[0] == b"content-length"]
    response.raw_headers = [*given, *length]
    return response
