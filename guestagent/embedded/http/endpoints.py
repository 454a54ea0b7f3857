"""The ports of a cloud, the applications behind them, and the outages in front of those."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.http.faults import SERVICES, ActiveFaults, Fault, FaultMiddleware, ServiceName
from guestagent.embedded.http.listener import Listener

log = logging.getLogger(__name__)

DEFAULT_PORTS: Mapping[ServiceName, int] = {"keystone": 5000, "heat": 8004, "cfn": 8000, "nova": 8774}
# The version documents of Nova, Glance, Neutron and Cinder, which need no token.
PUBLIC_PATHS = frozenset(
    {
        *("/", "/v2.1", "/v2.1/", "/image", "/image/", "/network", "/network/"),
        *("/volume", "/volume/", "/volume/v3/"),
    }
)


class ServiceEndpoints:
    """Each service behind its own port. `uses_default_ports`: OpenStack's own, if they are free."""

    def __init__(self, host: str, uses_default_ports: bool) -> None:
        self.faults = ActiveFaults()
        self._listeners: dict[ServiceName, Listener] = {
            service: Listener(host, (DEFAULT_PORTS[service], 0) if uses_default_ports else (0,))
            for service in SERVICES
        }
        self._apps: dict[ServiceName, ASGIApp] = {}
        self._recoveries: set[asyncio.Task[None]] = set()
        self._healed = asyncio.Event()

    def get_url(self, service: ServiceName) -> str:
        return self._listeners[service].url

    def build_catalog(self, project: str) -> dict[str, str]:
        """Build the catalog: addresses by type. `project` is the one in Heat's addresses."""
        nova = self.get_url("nova")
        return {
            "identity": f"{self.get_url('keystone')}/v3",
            "orchestration": f"{self.get_url('heat')}/v1/{project}",
            "cloudformation": f"{self.get_url('cfn')}/v1",
            "compute": f"{nova}/v2.1",
            "image": f"{nova}/image",
            "network": f"{nova}/network",
            "block-storage": f"{nova}/volume/v3/{project}",
            "embedded": f"{nova}/embedded",
        }

    async def open(self, service: ServiceName, app: ASGIApp) -> None:
        """Open a service; return when it answers."""
        self._apps[service] = AccessLogMiddleware(FaultMiddleware(app, service, self.faults), service)
        await self._listeners[service].open(self._apps[service])

    async def close(self) -> None:
        """Close every service."""
        for task in self._recoveries:
            task.cancel()
        await asyncio.gather(*(listener.close() for listener in self._listeners.values()))

    async def start_fault(self, fault: Fault) -> None:
        """Start an outage, which ends by itself."""
        self.faults.start(fault)
        if fault.mode == "refuse":
            await self._listeners[fault.service].close()
            task = asyncio.create_task(self._recover(fault))
            self._recoveries.add(task)
            task.add_done_callback(self._recoveries.discard)

    async def clear_faults(self) -> None:
        """End every outage; return when each service answers again."""
        self.faults.clear()
        self._healed.set()
        await asyncio.gather(*self._recoveries)
        self._healed.clear()

    async def _recover(self, fault: Fault) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._healed.wait(), max(0.0, fault.until - time.monotonic()))
        await self._listeners[fault.service].open(self._apps[fault.service])


class AccessLogMiddleware:
    """An access log of methods, paths and status codes, without queries: they hold signatures."""

    def __init__(self, app: ASGIApp, service: ServiceName) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start_time, status_code = time.monotonic(), 0

        async def send_and_record(message: Message) -> None:
            nonlocal status_code
            status_code = message.get("status", status_code)
            await send(message)

        await self._app(scope, receive, send_and_record)
        milliseconds = 1000 * (time.monotonic() - start_time)
        fields = (self._service, scope.get("method"), scope.get("path"), status_code, milliseconds)
        log.info("%s %s %s %d %.0f ms", *fields)


def build_application(
    routes: list[Route], build_error: Callable[[Request, Exception], Response]
) -> Starlette:
    """Build an application that turns ApiError into responses with `build_error`."""
    return Starlette(routes=routes, exception_handlers={ApiError: build_error})
