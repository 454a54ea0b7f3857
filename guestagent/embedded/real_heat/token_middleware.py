"""Who may use the embedded services beside a real Keystone: those whose token it knows."""

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
    """An ASGI application in front of one of ours: 401 without a good token, 503 while Keystone says nothing."""

    def __init__(
        self, app: ASGIApp, keystone: KeystoneClient, executor: Executor, open_paths: frozenset[str]
    ) -> None:
        self._app, self._keystone, self._executor, self._open = app, keystone, executor, open_paths
        self._good: dict[str, datetime] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in self._open:
            headers = dict(scope["headers"])
            refusal = await self._refusal(headers.get(b"x-auth-token", b"").decode("latin-1"))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _refusal(self, token: str) -> Response | None:
        if not token:
            return build_unauthorized_response()
        if self._good.get(token, get_utc_time()) > get_utc_time():
            return None
        loop = asyncio.get_running_loop()
        try:
            expiry = await loop.run_in_executor(self._executor, self._keystone.fetch_expiry, token)
        except CloudError:
            return Response(status_code=503)
        if expiry is None or expiry <= get_utc_time():
            return build_unauthorized_response()
        self._good = {known: until for known, until in self._good.items() if until > get_utc_time()}
        self._good[token] = min(expiry, get_utc_time() + TOKEN_CACHE_TTL)
        return None
