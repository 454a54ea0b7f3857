"""The endpoint as an HTTP application. Only this file imports starlette."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from guestagent.errors import StorageError
from guestagent.resources.endpoint.node_answer import NodeAnswer
from guestagent.resources.endpoint.node_endpoint import BODY_LIMIT_BYTES, NOT_FOUND, NodeEndpoint

LOG = logging.getLogger(__name__)
UNAVAILABLE = NodeAnswer(503, b'{"error":"try again"}')
INCOMPLETE = NodeAnswer(400, b'{"error":"incomplete"}')
RETRY_AFTER_S = "5"


def build_application(endpoint: NodeEndpoint) -> Starlette:
    """Build the application. Its answers carry no Last-Modified: a collector then takes every new document."""

    async def read_document(request: Request) -> Response:
        signature = _get_signature(request)
        reader = "" if request.client is None else request.client.host
        return await _respond(lambda: endpoint.read_document(request.url.path, signature, reader))

    async def accept_signal(request: Request) -> Response:
        signature = _get_signature(request)
        try:
            body = await _read_body(request)
        except ClientDisconnect:
            return _build_response(INCOMPLETE)  # for nobody
        return await _respond(lambda: endpoint.accept_signal(request.url.path, signature, body))

    async def check_health(_: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    path = "/v1/{cluster}/{instance}/{purpose}/{number}"
    application = Starlette(
        routes=[
            Route("/healthz", check_health, methods=["GET"]),
            Route(path, read_document, methods=["GET"]),
            Route(path, accept_signal, methods=["PUT", "POST"]),
        ],
        exception_handlers={404: _answer_not_found, 405: _answer_not_found},
    )
    application.router.redirect_slashes = False
    return application


async def _respond(answer: Callable[[], NodeAnswer]) -> Response:
    try:
        content = await run_in_threadpool(answer)
    except StorageError as error:
        LOG.error("endpoint: %s", error)
        return _build_response(UNAVAILABLE)
    return _build_response(content)


async def _answer_not_found(_request: Request, _error: Exception) -> Response:
    return _build_response(NOT_FOUND)


def _build_response(answer: NodeAnswer) -> Response:
    headers = {"Cache-Control": "no-store"}
    if answer.status == UNAVAILABLE.status:
        headers["Retry-After"] = RETRY_AFTER_S
    return Response(answer.body, answer.status, headers, media_type="application/json")


def _get_signature(request: Request) -> str:
    """Return the signature in the query; "" if there is none or more than one."""
    signatures = request.query_params.getlist("Signature")
    return signatures[0] if len(signatures) == 1 else ""


async def _read_body(request: Request) -> bytes:
    """Read at most one byte more than is allowed: what is longer is refused, and never kept in memory."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT_BYTES:
            return body[: BODY_LIMIT_BYTES + 1]
    return body
