"""The embedded cloud's own API: status, unsafe reads, outages on demand. The catalog calls it `embedded`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.heat.unsafe_reads import UnsafeReads
from guestagent.embedded.http.faults import DEFAULT_DELAY_S, FAULT_MODES, Fault
from guestagent.embedded.http.service_names import SERVICE_NAMES
from guestagent.embedded.openstack.nova.servers import Compute

FAULT_LIMIT_S = 3600.0

StatusRow = Mapping[str, str]


class FaultTarget(Protocol):
    """A cloud whose services can be made to fail."""

    async def start_fault(self, fault: Fault) -> None: ...
    async def clear_faults(self) -> None: ...


class AdminApi:
    """The routes below /embedded."""

    def __init__(
        self,
        list_stacks: Callable[[], Awaitable[list[StatusRow]]],
        compute: Compute,
        unsafe_reads: UnsafeReads,
        fault_target: FaultTarget,
    ) -> None:
        self._list_stacks, self._compute, self._unsafe_reads, self._fault_target = (
            list_stacks,
            compute,
            unsafe_reads,
            fault_target,
        )

    def build_routes(self) -> list[Route]:
        return [
            Route("/embedded/status", self._show_status),
            Route("/embedded/dangerous-reads", self._show_unsafe_reads),
            Route("/embedded/faults", self._start_fault, methods=["POST"]),
            Route("/embedded/faults", self._clear_faults, methods=["DELETE"]),
        ]

    async def _show_status(self, request: Request) -> Response:
        servers = self._compute.servers.values()
        return JSONResponse(
            {
                "stacks": await self._list_stacks(),
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
                "dangerous_reads": self._unsafe_reads.format_reads(),
            }
        )

    async def _show_unsafe_reads(self, request: Request) -> Response:
        return JSONResponse({"dangerous_reads": self._unsafe_reads.format_reads()})

    async def _start_fault(self, request: Request) -> Response:
        try:
            body = dict(await request.json())
            seconds = min(float(body["seconds"]), FAULT_LIMIT_S)
            service, mode = body["service"], body["mode"]
            until, delay = time.monotonic() + seconds, float(body.get("delay", DEFAULT_DELAY_S))
            method, path = body.get("method"), body.get("path")
            times, retry_after = body.get("times"), body.get("retry_after")
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "service, mode and seconds are needed"}, 400)
        if service not in SERVICE_NAMES or mode not in FAULT_MODES:
            message = f"service is one of {', '.join(SERVICE_NAMES)}; mode is one of {', '.join(FAULT_MODES)}"
            return JSONResponse({"error": message}, 400)
        if not isinstance(method, str | None) or not isinstance(path, str | None):
            return JSONResponse({"error": "method is an HTTP method, path a regular expression"}, 400)
        if not isinstance(times, int | None) or not isinstance(retry_after, int | None):
            return JSONResponse({"error": "times and retry_after are whole numbers"}, 400)
        try:
            fault = Fault(service, mode, until, delay, method, times, path, retry_after)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        await self._fault_target.start_fault(fault)
        return JSONResponse({"service": service, "mode": mode, "seconds": seconds}, 202)

    async def _clear_faults(self, request: Request) -> Response:
        await self._fault_target.clear_faults()
        return Response(status_code=204)
