"""What stands before every service that wants a token, and how their refusals become answers."""

from __future__ import annotations

import http
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.http.faults import ActiveFaults
from guestagent.embedded.openstack.keystone.api import IdentityApi, build_unauthorized_response

EXPLANATIONS = {
    400: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    404: "The resource could not be found.",
    409: "There was a conflict when trying to complete your request.",
    500: "The server has either erred or is incapable of performing the requested operation.",
}

Endpoint = Callable[[Request], Awaitable[Response]]


class TokenMiddleware:
    """An ASGI application in front of a service: 401 without a token, 503 while Keystone is down.

    Version documents (the paths in `open_paths`) need none.
    """

    def __init__(
        self,
        app: ASGIApp,
        identity: IdentityApi,
        faults: ActiveFaults,
        open_paths: frozenset[str] = frozenset({"/"}),
    ) -> None:
        self._app, self._identity, self._faults, self._open = app, identity, faults, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if request.url.path not in self._open:
            if self._faults.is_down("keystone"):
                await Response(status_code=503)(scope, receive, send)
                return
            if not self._identity.is_valid_token(request.headers.get("X-Auth-Token")):
                await build_unauthorized_response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


def build_heat_error(request: Request, refusal: Exception) -> Response:
    """A refusal in the body that heat-api's fault middleware gives it."""
    assert isinstance(refusal, ApiError)
    return build_error_response(refusal.status, refusal.error_type, str(refusal) or None)


def build_error_response(code: int, kind: str, message: str | None) -> Response:
    """An error of heat-api."""
    return JSONResponse(
        {
            "code": code,
            "title": http.HTTPStatus(code).phrase,
            "explanation": EXPLANATIONS.get(code, ""),
            "error": {"type": kind, "traceback": None, "message": message},
        },
        code,
    )
