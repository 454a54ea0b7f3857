"""Outages on demand, for tests: which requests fail, how, and until when."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from guestagent.embedded.http.service_names import SHARED_PORT_SERVICES, ServiceName

FaultMode = Literal[
    "refuse", "400", "401", "403", "404", "409", "429", "500", "502", "503", "504",
    "slow", "lost", "late", "stale",
]  # fmt: skip
FAULT_MODES: tuple[FaultMode, ...] = get_args(FaultMode)
FAULT_STATUSES: Mapping[str, int] = {mode: int(mode) for mode in FAULT_MODES if mode.isdigit()}
DEFAULT_DELAY_S = 5.0
READ_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Fault:
    """An outage of one service. `until` is in time.monotonic()'s seconds.

    - a status: the service answers with it, and does nothing. `retry_after`: seconds in the header Retry-After.
    - `slow`: the request waits for `delay` seconds.
    - `lost`: the service processes the request, and the client gets a proxy's 504.
    - `late`: the client gets a proxy's 504 at once, and the service processes the request `delay` seconds later.
    - `stale`: reads show what they showed when the outage began, as from a database node that lags behind.
    - `refuse`: the port is closed, so requests cannot be distinguished, nor services that share a port.

    `method`: only requests by this HTTP method are affected; `path`: only those in whose path and query the regular
    expression is found; `times`: only so many of them, and then the outage is over. ValueError: the values do not fit
    together.
    """

    service: ServiceName
    mode: FaultMode
    until: float
    delay: float = DEFAULT_DELAY_S
    method: str | None = None
    times: int | None = None
    path: str | None = None
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.mode == "refuse":
            if self.method or self.path or self.times is not None:
                raise ValueError("a port that refuses refuses every request: no method, no path, no times")
            if self.service in SHARED_PORT_SERVICES.values():
                raise ValueError(
                    f"{self.service} shares its port with other services: refuse affects them all"
                )
        if self.times is not None and self.times < 1:
            raise ValueError("times: at least 1")
        if self.retry_after is not None and self.mode not in FAULT_STATUSES:
            raise ValueError("retry_after: only with a status")
        try:
            re.compile(self.path or "")
        except re.error as error:
            raise ValueError(f"path: not a regular expression: {error}") from error

    @property
    def pattern(self) -> tuple[str, str | None, str | None]:
        """What the fault affects: the service, and the method and the path if it does not affect all."""
        return self.service, self.method, self.path

    def affects(self, service: ServiceName, method: str, target: str) -> bool:
        return (
            service == self.service
            and self.method in (None, method)
            and re.search(self.path or "", target) is not None
            and (self.mode != "stale" or method in READ_METHODS)
        )


class ActiveFaults:
    """The present outages, the newest first. One replaces an older one of the same requests."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._affected_counts: dict[int, int] = {}

    def start(self, fault: Fault) -> None:
        self._faults = [fault, *(each for each in self._list_active() if each.pattern != fault.pattern)]
        kept = {id(each) for each in self._faults[1:]}
        self._affected_counts = {key: count for key, count in self._affected_counts.items() if key in kept}

    def take_fault(self, service: ServiceName, method: str, target: str = "") -> Fault | None:
        """Return the fault that affects a request to this service. The request counts as one of its `times`.

        `target` is the path and the query.
        """
        for fault in self._list_active():
            if fault.affects(service, method, target):
                self._affected_counts[id(fault)] = self._affected_counts.get(id(fault), 0) + 1
                return fault
        return None

    def is_down(self, service: ServiceName) -> bool:
        """Whether other services get no response from this one."""
        return any(
            fault.pattern == (service, None, None) and fault.mode in ("refuse", "500", "503")
            for fault in self._list_active()
        )

    def clear(self) -> None:
        self._faults.clear()
        self._affected_counts.clear()

    def _list_active(self) -> list[Fault]:
        now = time.monotonic()
        return [
            fault
            for fault in self._faults
            if fault.until > now
            and (fault.times is None or self._affected_counts.get(id(fault), 0) < fault.times)
        ]
