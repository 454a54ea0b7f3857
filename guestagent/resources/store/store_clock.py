"""The clock of a store on one host. It decides about leases, so that setting the time of day changes none."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from guestagent.errors import UnsupportedEnvironment
from guestagent.retry import Clock, FakeClock, SystemClock

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


class StoreClock(Clock, Protocol):
    """A clock that only goes forward, and starts again with the machine; and the time of day, which people set."""

    def read_wall_time(self) -> float:
        """Return the time of day, in seconds since 1970."""

    def read_boot_id(self) -> str:
        """Return the id of the machine's present boot. `now()` counts from that boot."""


class MachineClock(SystemClock):
    """The clock of this machine."""

    def read_wall_time(self) -> float:
        return time.time()

    def read_boot_id(self) -> str:
        try:
            return BOOT_ID_FILE.read_text(encoding="ascii").strip()
        except OSError as error:
            raise UnsupportedEnvironment(
                f"a store of orders needs Linux: cannot read {BOOT_ID_FILE}: {error.strerror}"
            ) from error


class ManualClock(FakeClock):
    """A clock for tests. It goes forward by `sleep` alone; setting the time of day and a reboot are calls, too."""

    def __init__(self, start: float = 1000.0, wall_time: float = 1_800_000_000.0) -> None:
        super().__init__(start)
        self._wall_offset_s = wall_time - start
        self._boots = 1

    def read_wall_time(self) -> float:
        return self.time + self._wall_offset_s

    def read_boot_id(self) -> str:
        return f"boot-{self._boots}"

    def set_wall_time(self, wall_time: float) -> None:
        """Set the time of day."""
        self._wall_offset_s = wall_time - self.time

    def reboot(self, pause_s: float = 30.0) -> None:
        """Boot again: the machine counts from 0, and the time of day goes on."""
        wall_time = self.read_wall_time() + pause_s
        self.time = 0.0
        self._boots += 1
        self.set_wall_time(wall_time)
