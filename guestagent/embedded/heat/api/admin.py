"""What only an embedded cloud has: dangerous reads, outages on demand. The catalog calls it `embedded`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.heat.unsafe_reads import UnsafeReads
from guestagent.embedded.http.faults import FAULT_MODES, FAULT_SERVICES, Fault
from guestagent.embedded.openstack.nova.servers import Compute

FAULT_LIMIT_S = 3600.0

StatusRow = Mapping[str, str]


class FaultTarget(Protocol):
    """A cloud whose services can be made to fail."""

    async def start_fault(self, fault: Fault) -> None: ...
    async def clear_faults(self) -> None: ...


class AdminApi:
    """The routes below /embedded. `stacks` are those of now."""

    def __init__(
        self,
        stacks: Callable[[], Awaitable[list[StatusRow]]],
        compute: Compute,
        dangerous: UnsafeReads,
        outages: FaultTarget,
    ) -> None:
        self._stacks, self._compute, self._dangerous, self._outages = stacks, compute, dangerous, outages

    def build_routes(self) -> list[Route]:
        return [
            Route("/embedded/status", self._status),
            Route("/embedded/dangerous-reads", self._reads),
            Route("/embedded/faults", self._fault, methods=["POST"]),
            Route("/embedded/faults", self._heal, methods=["DELETE"]),
        ]

    async def _status(self, request: Request) -> Response:
        servers = self._compute.servers.values()
        return JSONResponse(
            {
                "stacks": await self._stacks(),
                "servers": [
                    {
                        "id": server.id,
                        "name": server.name,
                        "status": server.status,
                        "address": server.address,
                        "flavor": server.flavor.name,
                    }
                    for server in servers
                ],
                "dangerous_reads": self._dangerous.format_reads(),
            }
        )

    async def _reads(self, request: Request) -> Response:
        return JSONResponse({"dangerous_reads": self._dangerous.format_reads()})

    async def _fault(self, request: Request) -> Response:
        try:
            asked = dict(await request.json())
            seconds = min(float(asked["seconds"]), FAULT_LIMIT_S)
            service, mode = asked["service"], asked["mode"]
            until, delay = time.monotonic() + seconds, float(asked.get("delay", 5.0))
            method, times = asked.get("method"), asked.get("times")
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "service, mode and seconds are needed"}, 400)
        if service not in FAULT_SERVICES or mode not in FAULT_MODES:
            known = f"service is one of {', '.join(FAULT_SERVICES)}; mode is one of {', '.join(FAULT_MODES)}"
            return JSONResponse({"error": known}, 400)
        if not isinstance(method, str | None) or not isinstance(times, int | None):
            return JSONResponse({"error": "method is an HTTP method, times a whole number"}, 400)
        try:
            fault = Fault(service, mode, until, delay, method, times)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        await self._outages.start_fault(fault)
        return JSONResponse({"service": service, "mode": mode, "seconds": seconds}, 202)

    async def _heal(self, request: Request) -> Response:
        await self._outages.clear_faults()
        return Response(status_code=204)
