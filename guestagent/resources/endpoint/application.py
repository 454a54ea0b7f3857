"""The endpoint as an HTTP application (ASGI). There are three addresses, so it needs no framework for each request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

from guestagent.errors import StorageError
from guestagent.resources.endpoint.node_answer import NodeAnswer
from guestagent.resources.endpoint.node_endpoint import BODY_LIMIT_BYTES, NOT_FOUND, NodeEndpoint

LOG = logging.getLogger(__name__)
HEALTHY = NodeAnswer(200, b'{"status":"ok"}')
UNAVAILABLE = NodeAnswer(503, b'{"error":"try again"}')
INCOMPLETE = NodeAnswer(400, b'{"error":"incomplete"}')
HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
"""Without Last-Modified: a collector then takes every new document."""
RETRY_AFTER = (b"retry-after", b"5")
THREADS = 16
"""The store has fewer connections."""
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class EndpointApplication:
    """Answers requests in threads of its own, because the store may have to wait.

    At rest nearly all ask for what they have read before: these need no thread, which would be most of their work.
    """

    def __init__(self, endpoint: NodeEndpoint) -> None:
        self._endpoint = endpoint
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="endpoint")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        headers = [*HEADERS, (b"content-length", str(len(answer.body)).encode())]
        if answer.status == UNAVAILABLE.status:
            headers.append(RETRY_AFTER)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Message, receive: Receive) -> NodeAnswer:
        path, method, signature = scope["path"], scope["method"], _get_signature(scope["query_string"])
        if method in {"GET", "HEAD"}:
            if path == "/healthz":
                return HEALTHY
            reader = scope["client"][0] if scope["client"] else ""
            known = self._endpoint.find_known(path, signature, reader)
            if known is not None:
                return known
            return await self._run(lambda: self._endpoint.read_document(path, signature, reader))
        if method not in {"PUT", "POST"}:
            return NOT_FOUND
        body = await _read_body(receive)
        if body is None:
            return INCOMPLETE  # for nobody
        return await self._run(lambda: self._endpoint.accept_signal(path, signature, body))

    async def _run(self, answer: Callable[[], NodeAnswer]) -> NodeAnswer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, answer)
        except StorageError as error:
            LOG.error("endpoint: %s", error)
            return UNAVAILABLE


def _get_signature(query: bytes) -> str:
    """Return the signature in the query; "" if there is none or more than one."""
    signatures = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("Signature", [])
    return signatures[0] if len(signatures) == 1 else ""


async def _read_body(receive: Receive) -> bytes | None:
    """Read at most one byte more than is allowed: what is longer is refused, and never kept in memory.

    None if the client has gone before the end.
    """
    body: bytes = b""
    is_more = True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT_BYTES:
            return body[: BODY_LIMIT_BYTES + 1]
        is_more = bool(message.get("more_body", False))
    return body
