"""The seconds of a store on one host: those since 1970, which nobody sets while the machine runs."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.resources.store.store_clock import StoreClock


@dataclass(frozen=True, slots=True)
class SteadyTime:
    """The clock of a boot, and the seconds since 1970 at which it began to count.

    The time of day may be set at any moment, so it is asked once for each boot. From then on both differ by what it was
    set: nothing ends too early or too late for that.
    """

    clock: StoreClock
    start: float

    def now(self) -> float:
        return self.start + self.clock.now()

    def read_wall_offset(self) -> float:
        """Return what a time needs to be the time of day, by today's setting: whole seconds, 0 if it was not set."""
        return float(round(self.clock.read_wall_time() - self.now()))


def start_steady_time(clock: StoreClock, latest_time: float = 0.0) -> SteadyTime:
    """Return the time of a new boot. It does not fall behind `latest_time`, the latest that the store knows."""
    return SteadyTime(clock, max(clock.read_wall_time(), latest_time) - clock.now())
