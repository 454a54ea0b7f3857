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
from guestagent.embedded.http.fault_middleware import FaultMiddleware
from guestagent.embedded.http.faults import ActiveFaults, Fault
from guestagent.embedded.http.listener import Listener
from guestagent.embedded.http.service_names import PORT_NAMES, PortName, find_port
from guestagent.embedded.http.stale_reads import StaleReads

log = logging.getLogger(__name__)

DEFAULT_PORTS: Mapping[PortName, int] = {"keystone": 5000, "heat": 8004, "cfn": 8000, "nova": 8774}
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
        self._reads = StaleReads()
        self._listeners: dict[PortName, Listener] = {
            name: Listener(host, (DEFAULT_PORTS[name], 0) if uses_default_ports else (0,))
            for name in PORT_NAMES
        }
        self._apps: dict[PortName, ASGIApp] = {}
        self._fault_middlewares: list[FaultMiddleware] = []
        self._recoveries: set[asyncio.Task[None]] = set()
        self._healed = asyncio.Event()

    def get_url(self, port: PortName) -> str:
        return self._listeners[port].url

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

    async def open(self, port: PortName, app: ASGIApp) -> None:
        """Open a port; return when its services answer."""
        guarded_app = FaultMiddleware(app, port, self.faults, self._reads)
        self._fault_middlewares.append(guarded_app)
        self._apps[port] = AccessLogMiddleware(guarded_app, port)
        await self._listeners[port].open(self._apps[port])

    async def close(self) -> None:
        """Close every service."""
        for task in self._recoveries:
            task.cancel()
        for middleware in self._fault_middlewares:
            middleware.close()
        await asyncio.gather(*(listener.close() for listener in self._listeners.values()))

    async def start_fault(self, fault: Fault) -> None:
        """Start an outage, which ends by itself."""
        self.faults.start(fault)
        if fault.mode == "stale":
            self._reads.freeze(fault.service)
        if fault.mode == "refuse":
            port = find_port(fault.service)
            await self._listeners[port].close()
            task = asyncio.create_task(self._recover(port, fault.until))
            self._recoveries.add(task)
            task.add_done_callback(self._recoveries.discard)

    async def clear_faults(self) -> None:
        """End every outage; return when each service answers again."""
        self.faults.clear()
        self._healed.set()
        await asyncio.gather(*self._recoveries)
        self._healed.clear()

    async def _recover(self, port: PortName, until: float) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._healed.wait(), max(0.0, until - time.monotonic()))
        await self._listeners[port].open(self._apps[port])


class AccessLogMiddleware:
    """An access log of methods, paths and status codes, without queries: they hold signatures."""

    def __init__(self, app: ASGIApp, port: PortName) -> None:
        self._app, self._port = app, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start_time, status_code = time.monotonic(), 0

        async def send_and_record(message: Message) -> None:
            nonlocal status_code
            status_code = message.get("status", status_code)
            await send(message)

        await self._app(scope, receive, send_and_record)
        milliseconds = 1000 * (time.monotonic() - start_time)
        fields = (self._port, scope.get("method"), scope.get("path"), status_code, milliseconds)
        log.info("%s %s %s %d %.0f ms", *fields)


def build_application(
    routes: list[Route], build_error: Callable[[Request, Exception], Response]
) -> Starlette:
    """Build an application that turns ApiError into responses with `build_error`."""
    return Starlette(routes=routes, exception_handlers={ApiError: build_error})
