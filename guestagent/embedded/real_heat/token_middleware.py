"""Authentication of the embedded services beside a real Keystone, which validates the tokens."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from datetime import datetime, timedelta

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.openstack.keystone.api import build_unauthorized_response
from guestagent.embedded.real_heat.keystone_client import KeystoneClient
from guestagent.errors import CloudError

TOKEN_CACHE_TTL = timedelta(minutes=1)  # Heat asks often, and a revoked token may live on for so long


class KeystoneTokenMiddleware:
    """An ASGI application in front of an embedded service: 401 without a valid token, 503 while Keystone is down."""

    def __init__(
        self, app: ASGIApp, keystone: KeystoneClient, executor: Executor, open_paths: frozenset[str]
    ) -> None:
        self._app, self._keystone, self._executor = app, keystone, executor
        self._open_paths = open_paths
        self._cache_expiries: dict[str, datetime] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in self._open_paths:
            headers = dict(scope["headers"])
            rejection = await self._check_token(headers.get(b"x-auth-token", b"").decode("latin-1"))
            if rejection is not None:
                await rejection(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _check_token(self, token: str) -> Response | None:
        """Return the response for a token that is not valid, or nothing."""
        if not token:
            return build_unauthorized_response()
        if self._cache_expiries.get(token, get_utc_time()) > get_utc_time():
            return None
        loop = asyncio.get_running_loop()
        try:
            expiry = await loop.run_in_executor(self._executor, self._keystone.fetch_expiry, token)
        except CloudError:
            return Response(status_code=503)
        if expiry is None or expiry <= get_utc_time():
            return build_unauthorized_response()
        now = get_utc_time()
        self._cache_expiries = {key: time for key, time in self._cache_expiries.items() if time > now}
        self._cache_expiries[token] = min(expiry, now + TOKEN_CACHE_TTL)
        return None
