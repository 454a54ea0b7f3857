"""Retries as values: which errors, how long between attempts, until when; and the clock as an argument."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")
# Not the module's own generator: a program that seeds that one expects to be its only user.
_CHANCE = random.SystemRandom().random


class Clock(Protocol):
    """Time that only goes forward, and a way to let it pass."""

    def now(self) -> float:
        """Seconds since the machine started, sleep included; never stepped by anyone."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass, or less when there is something to do."""


class SystemClock:
    """The machine's own clock (CLOCK_BOOTTIME)."""

    def now(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FakeClock:
    """A clock for tests: it jumps over every sleep and remembers them."""

    def __init__(self, start: float = 1000.0) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits in seconds: `first`, doubled each time up to `most`, each cut by up to `jitter` of itself."""

    initial_s: float
    max_s: float
    jitter: float = 0.5

    def iterate_waits(self, chance: Callable[[], float] = _CHANCE) -> Iterator[float]:
        wait = self.initial_s
        while True:
            yield wait * (1 - self.jitter * chance())
            wait = min(self.max_s, wait * 2)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again on the named errors until a point in time; the last error then goes to the caller."""

    errors: tuple[type[Exception], ...]
    backoff: Backoff

    def call(self, action: Callable[[], T], *, until: float, clock: Clock) -> T:
        """The first result of `action`. `until` is in the clock's seconds; at least one attempt is made."""
        for wait in self.backoff.iterate_waits():
            try:
                return action()
            except self.errors:
                left = until - clock.now()
                if left <= 0:
                    raise
                clock.sleep(min(wait, left))
        raise AssertionError("waits never end")
