"""A reverse proxy in front of a real service: it passes requests on untouched, and outages can happen in it."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

LOOPBACK = "127.0.0.1"
RESPONSE_TIMEOUT_S = 300.0
HOP_BY_HOP_HEADERS = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"date", b"server"})

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """A request as it came: target and headers byte by byte, because a signature covers some of them."""

    method: str
    target: str
    headers: RawHeaders
    body: bytes


@dataclass(frozen=True, slots=True)
class ProxyResponse:
    """The service's response."""

    status_code: int
    headers: RawHeaders
    body: bytes


class ReverseProxy:
    """An ASGI application that is a service on a port of this machine. `inspect` gets each request before it."""

    def __init__(
        self, port: int, executor: Executor, inspect: Callable[[ProxyRequest], Awaitable[None]] | None = None
    ) -> None:
        self._port, self._executor, self._inspect = port, executor, inspect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        body = await Request(scope, receive).body()
        request = ProxyRequest(scope["method"], target, list(scope["headers"]), body)
        if self._inspect is not None:
            await self._inspect(request)
        await _build_response(await self.forward_request(request))(scope, receive, send)

    async def is_answering(self) -> bool:
        """Whether the service answers requests."""
        request = ProxyRequest("GET", "/", [(b"host", b"localhost")], b"")
        return (await self.forward_request(request)).status_code != HTTPStatus.SERVICE_UNAVAILABLE

    async def forward_request(self, request: ProxyRequest) -> ProxyResponse:
        """Return the service's response; an empty 503, as from a load balancer, if there is none."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._send, request)
        except (OSError, http.client.HTTPException):
            return ProxyResponse(HTTPStatus.SERVICE_UNAVAILABLE, [], b"")

    def _send(self, request: ProxyRequest) -> ProxyResponse:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=RESPONSE_TIMEOUT_S)
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name not in HOP_BY_HOP_HEADERS:
                    connection.putheader(name, value)
            connection.putheader("Connection", "close")
            connection.endheaders(request.body)
            response = connection.getresponse()
            headers = [
                (name.lower().encode(), value.encode("latin-1")) for name, value in response.getheaders()
            ]
            return ProxyResponse(
                response.status,
                [header for header in headers if header[0] not in HOP_BY_HOP_HEADERS],
                response.read(),
            )
        finally:
            connection.close()


def _build_response(proxy_response: ProxyResponse) -> Response:
    response = Response(proxy_response.body, proxy_response.status_code)
    headers = [(name, value) for name, value in proxy_response.headers if name != b"content-length"]
    length = [header for header in response.raw_headers if header[0] == b"content-length"]
    response.raw_headers = [*headers, *length]
    return response
