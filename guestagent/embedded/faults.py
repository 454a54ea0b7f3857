"""Outages on demand, for tests: a service refuses, answers an error, or is slow, and recovers by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Service = Literal["keystone", "heat", "cfn", "nova"]
Mode = Literal["refuse", "500", "503", "slow"]
SERVICES: tuple[Service, ...] = ("keystone", "heat", "cfn", "nova")
FAILING: tuple[Service, ...] = ("keystone", "heat", "cfn")  # nova also carries the route that ends outages
MODES: tuple[Mode, ...] = ("refuse", "500", "503", "slow")


@dataclass(frozen=True, slots=True)
class Fault:
    """`until` is in time.monotonic()'s seconds; `delay` is how long a slow service lets a request wait."""

    service: Service
    mode: Mode
    until: float
    delay: float = 5.0


class Faults:
    """The outages of now, one a service at most."""

    def __init__(self) -> None:
        self._faults: dict[Service, Fault] = {}

    def begin(self, fault: Fault) -> None:
        self._faults[fault.service] = fault

    def of(self, service: Service) -> Fault | None:
        fault = self._faults.get(service)
        return fault if fault is not None and fault.until > time.monotonic() else None

    def down(self, service: Service) -> bool:
        """Whether other services get no answer from this one."""
        fault = self.of(service)
        return fault is not None and fault.mode != "slow"

    def end(self) -> None:
        self._faults.clear()


class Faulty:
    """An ASGI application in front of a service, which answers in its place during an outage."""

    def __init__(self, app: ASGIApp, service: Service, faults: Faults) -> None:
        self._app, self._service, self._faults = app, service, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.of(self._service)
        if fault is not None and fault.mode in STATUSES:
            await PlainTextResponse("", STATUSES[fault.mode])(scope, receive, send)
            return
        if fault is not None and fault.mode == "slow":
            await asyncio.sleep(fault.delay)
        await self._app(scope, receive, send)


STATUSES: Mapping[str, int] = {"500": 500, "503": 503}
