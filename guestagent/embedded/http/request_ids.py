"""The id of a request: services show it in their answer, and record it with what the request has started."""

from __future__ import annotations

from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guestagent.embedded.host.identifiers import generate_id

HEADER = b"x-openstack-request-id"
_request_id: ContextVar[str] = ContextVar("request_id")


def get_request_id() -> str:
    """Return the id of the request that is being answered, or a new one."""
    return _request_id.get(None) or _build_request_id()


def _build_request_id() -> str:
    return f"req-{generate_id()}"


class RequestIdMiddleware:
    """An ASGI application in front of a service: each request has an id, which is in the answer's headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _build_request_id()
        token = _request_id.set(request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            _request_id.reset(token)
