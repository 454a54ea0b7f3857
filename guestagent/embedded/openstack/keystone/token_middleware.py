"""Authentication in front of every service that needs a token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from guestagent.embedded.http.faults import ActiveFaults
from guestagent.embedded.openstack.keystone.api import IdentityApi, build_unauthorized_response


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
        self._app, self._identity, self._faults, self._open_paths = app, identity, faults, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if request.url.path not in self._open_paths:
            if self._faults.is_down("keystone"):
                await Response(status_code=503)(scope, receive, send)
                return
            if not self._identity.is_valid_token(request.headers.get("X-Auth-Token")):
                await build_unauthorized_response()(scope, receive, send)
                return
        await self._app(scope, receive, send)
