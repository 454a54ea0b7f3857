"""Outages on demand, for tests: a service refuses, fails, is slow or loses responses, and recovers by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ServiceName = Literal["keystone", "heat", "cfn", "nova"]
FaultMode = Literal["refuse", "401", "403", "500", "503", "slow", "lost"]
SERVICES: tuple[ServiceName, ...] = get_args(ServiceName)
FAULT_SERVICES: tuple[ServiceName, ...] = (
    "keystone",
    "heat",
    "cfn",
)  # nova also carries the route that ends them
FAULT_MODES: tuple[FaultMode, ...] = get_args(FaultMode)
FAULT_STATUSES: Mapping[str, int] = {mode: int(mode) for mode in FAULT_MODES if mode.isdigit()}
LOST_STATUS = 504  # a proxy's status if it got no response from a service


@dataclass(frozen=True, slots=True)
class Fault:
    """An outage of one service. `until` is in time.monotonic()'s seconds; `delay` is the delay of a slow service.

    Mode `lost`: the service processes the request, and the client gets a proxy's 504. `method`: only requests by this
    HTTP method are affected; `times`: only so many of them, and then the outage is over. If the port is closed
    (`refuse`), requests cannot be distinguished: ValueError.
    """

    service: ServiceName
    mode: FaultMode
    until: float
    delay: float = 5.0
    method: str | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        if self.mode == "refuse" and (self.method or self.times is not None):
            raise ValueError("a port that refuses refuses every request: no method, no times")
        if self.times is not None and self.times < 1:
            raise ValueError("times: at least 1")


class ActiveFaults:
    """The present outages, at most one for each service."""

    def __init__(self) -> None:
        self._faults: dict[ServiceName, Fault] = {}
        self._affected_counts: dict[ServiceName, int] = {}

    def start(self, fault: Fault) -> None:
        self._faults[fault.service], self._affected_counts[fault.service] = fault, 0

    def take_fault(self, service: ServiceName, method: str) -> Fault | None:
        """Return the fault that affects a request to this service. The request counts as one of the fault's `times`."""
        fault = self._find_active(service)
        if fault is None or fault.method not in (None, method):
            return None
        self._affected_counts[service] += 1
        return fault

    def is_down(self, service: ServiceName) -> bool:
        """Whether other services get no response from this one."""
        fault = self._find_active(service)
        return fault is not None and fault.mode in ("refuse", "500", "503") and fault.method is None

    def clear(self) -> None:
        self._faults.clear()

    def _find_active(self, service: ServiceName) -> Fault | None:
        fault = self._faults.get(service)
        if fault is None or fault.until <= time.monotonic():
            return None
        return None if fault.times is not None and self._affected_counts[service] >= fault.times else fault


class FaultMiddleware:
    """An ASGI application in front of a service that responds in its place during an outage."""

    def __init__(self, app: ASGIApp, service: ServiceName, faults: ActiveFaults) -> None:
        self._app, self._service, self._faults = app, service, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.take_fault(self._service, scope.get("method", ""))
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.mode in FAULT_STATUSES:
            await PlainTextResponse("", FAULT_STATUSES[fault.mode])(scope, receive, send)
        elif fault.mode == "lost":
            await self._app(scope, receive, _discard_message)
            await PlainTextResponse("", LOST_STATUS)(scope, receive, send)
        else:
            await asyncio.sleep(fault.delay if fault.mode == "slow" else 0)
            await self._app(scope, receive, send)


async def _discard_message(message: Message) -> None:
    """Discard a response's message."""
