"""What only an embedded cloud has: dangerous reads, outages on demand. The catalog calls it `embedded`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.compute import Compute
from guestagent.embedded.dangerous import DangerousReads
from guestagent.embedded.faults import FAILING, MODES, Fault

MOST_SECONDS = 3600.0

Row = Mapping[str, str]


class Admin:
    """The routes below /embedded. `stacks` are those of now; `begin` starts a fault, which ends by itself."""

    def __init__(
        self,
        stacks: Callable[[], Awaitable[list[Row]]],
        compute: Compute,
        dangerous: DangerousReads,
        begin: Callable[[Fault], Awaitable[None]],
    ) -> None:
        self._stacks, self._compute, self._dangerous, self._begin = stacks, compute, dangerous, begin

    def routes(self) -> list[Route]:
        return [
            Route("/embedded/status", self._status),
            Route("/embedded/dangerous-reads", self._reads),
            Route("/embedded/faults", self._fault, methods=["POST"]),
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
                "dangerous_reads": self._dangerous.view(),
            }
        )

    async def _reads(self, request: Request) -> Response:
        return JSONResponse({"dangerous_reads": self._dangerous.view()})

    async def _fault(self, request: Request) -> Response:
        try:
            asked = dict(await request.json())
            seconds = min(float(asked["seconds"]), MOST_SECONDS)
            service, mode = asked["service"], asked["mode"]
            delay = float(asked.get("delay", 5.0))
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "service, mode and seconds are needed"}, 400)
        if service not in FAILING or mode not in MODES:
            known = f"service is one of {', '.join(FAILING)}; mode is one of {', '.join(MODES)}"
            return JSONResponse({"error": known}, 400)
        await self._begin(Fault(service, mode, time.monotonic() + seconds, delay))
        return JSONResponse({"service": service, "mode": mode, "seconds": seconds}, 202)
