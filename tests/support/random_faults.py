"""Random faults of a cloud's services over HTTP, one after the other, by a seed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from guestagent.embedded import Serving
from guestagent.embedded.http.faults import FaultMode
from guestagent.embedded.http.service_names import ServiceName

SERVICES: tuple[ServiceName, ...] = ("nova", "cinder", "neutron", "glance")
ALL_SERVICES: tuple[ServiceName, ...] = (*SERVICES, "keystone")
FAULT_S, HEALTH_S = (0.1, 0.6), (0.3, 1.5)
"""How long a fault lasts, and how long no fault follows it, at least and at most.

Six tenths of a second are five seconds of a service that is eight times as fast: less than a database node may lag.
"""
LATE_S = 1.5
"""Less than the settle time, which is then 15 seconds."""
METHODS = ("POST", "POST", "DELETE", "PUT", "GET")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One way for requests to fail. `is_single`: it affects one request of one method."""

    mode: FaultMode
    services: tuple[ServiceName, ...] = SERVICES
    is_single: bool = False
    retry_after: int | None = None


KINDS = (
    FaultKind("late", is_single=True),
    FaultKind("lost", is_single=True),
    FaultKind("stale"),
    FaultKind("429", retry_after=1),
    FaultKind("500", ALL_SERVICES),
    FaultKind("503", ALL_SERVICES, retry_after=1),
    FaultKind("401", is_single=True),
)


class RandomFaults:
    """Lets faults come and go until the end of the block. `counts` tells which ones have begun."""

    def __init__(self, served: Serving, seed: int) -> None:
        self._served, self._random = served, random.Random(seed)
        self._thread = threading.Thread(target=self._run)
        self._stopping = threading.Event()
        self.counts: Counter[str] = Counter()
        self._last_mode = ""

    def __enter__(self) -> RandomFaults:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._served.heal()

    def _run(self) -> None:
        while not self._stopping.wait(self._random.uniform(*HEALTH_S)):
            kind = self._choose_kind()
            service = self._random.choice(kind.services)
            seconds, options = self._random.uniform(*FAULT_S), dict[str, Any]()
            if kind.is_single:
                # It waits for a request, so it may last.
                options = {"times": 1, "method": self._random.choice(METHODS), "delay": LATE_S}
                seconds = HEALTH_S[1]
            if kind.retry_after is not None:
                options["retry_after"] = kind.retry_after
            self._served.fault(service, kind.mode, seconds=seconds, **options)
            self.counts[kind.mode] += 1
            if self._stopping.wait(seconds):
                return
            self._served.heal()

    def _choose_kind(self) -> FaultKind:
        """Return another kind than the last one: of two 401 in a row the second is a refusal."""
        kind = self._random.choice([each for each in KINDS if each.mode != self._last_mode])
        self._last_mode = kind.mode
        return kind
