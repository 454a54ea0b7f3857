"""Retry policies as values, and the clock that they take as an argument."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")
# Not the module's own generator: a program that seeds that one expects to be its only user.
_GET_RANDOM = random.SystemRandom().random


class Clock(Protocol):
    """A clock that only goes forward, and that can wait."""

    def now(self) -> float:
        """Return the seconds since the machine started, suspend included. Setting the time does not change it."""

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`, or less if there is something to do."""


class SystemClock:
    """The machine's own clock (CLOCK_BOOTTIME)."""

    def now(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FakeClock:
    """A clock for tests: it jumps over every sleep and records it."""

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
    """Waits from `initial_s`, doubled each time up to `max_s`. Each is shorter by a random share of up to `jitter`."""

    initial_s: float
    max_s: float
    jitter: float = 0.5

    def iterate_waits(self, get_random: Callable[[], float] = _GET_RANDOM) -> Iterator[float]:
        """Yield the waits in seconds, without an end."""
        wait = self.initial_s
        while True:
            yield wait * (1 - self.jitter * get_random())
            wait = min(self.max_s, wait * 2)


@dataclass(frozen=True, slots=True)
class Retry:
    """A policy that retries on some errors until a point in time, and then raises the last one."""

    errors: tuple[type[Exception], ...]
    backoff: Backoff

    def call(self, action: Callable[[], T], *, until: float, clock: Clock) -> T:
        """Return the first result of `action`. `until` is a time of the clock; there is at least one attempt."""
        for wait in self.backoff.iterate_waits():
            try:
                return action()
            except self.errors:
                remaining_s = until - clock.now()
                if remaining_s <= 0:
                    raise
                clock.sleep(min(wait, remaining_s))
        raise AssertionError("the waits never end")
