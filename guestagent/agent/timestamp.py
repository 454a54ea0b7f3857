"""The time at which a status was written, and its age: by the uptime within one boot, by the calendar beyond it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from guestagent.agent.journal import read_boot_id
from guestagent.retry import SystemClock
from guestagent.signal.transports import utc_now
from guestagent.strict_json import UnreadableContent, get_number, get_text

BOOT_ID_VARIABLE = "GUESTAGENT_BOOT_ID"
ROUNDING_S = 0.1
UNITS = (("d", 86400), ("h", 3600), ("min", 60))


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A moment on this machine. `at` is for people (UTC, ISO 8601); `uptime` counts the seconds of the boot `boot`."""

    at: str
    boot: str
    uptime: float

    def as_json(self) -> dict[str, object]:
        return {"at": self.at, "boot": self.boot, "uptime": round(self.uptime, 1)}

    @classmethod
    def parse(cls, data: Mapping[str, object]) -> Timestamp:
        """Parse the output of `as_json`. Raises UnreadableContent, a ValueError, if it is anything else."""
        at = get_text(data, "at")
        if datetime.fromisoformat(at).tzinfo is None:
            raise UnreadableContent("a time without its zone")
        return cls(at, get_text(data, "boot"), get_number(data, "uptime"))


def read_timestamp() -> Timestamp:
    """Read this machine's clocks."""
    return Timestamp(utc_now().isoformat(timespec="seconds"), find_boot_id(), SystemClock().now())


def find_boot_id(environ: Mapping[str, str] = os.environ) -> str:
    """Return the id of the boot as a shell on this machine sees it: the agent's unit passes it to the agent.

    The journal does not use it: in a container the uptime counts from the boot of the kernel, which has another id.
    """
    with suppress(ValueError):
        return str(UUID(environ.get(BOOT_ID_VARIABLE, "")))
    return read_boot_id()


def measure_age(written: Timestamp | None, now: Timestamp) -> float | None:
    """Return the seconds between the two; None if they cannot be known.

    Within one boot a stepped clock changes nothing. After a reboot only the calendar is left. A status that seems to
    come from the future has no known age: the clock was stepped.
    """
    if written is None:
        return None
    if written.boot and written.boot == now.boot:
        seconds = now.uptime - written.uptime
    else:
        seconds = (datetime.fromisoformat(now.at) - datetime.fromisoformat(written.at)).total_seconds()
    return max(0.0, seconds) if seconds > -ROUNDING_S else None


def format_age(seconds: float | None) -> str:
    """Format an age for people, such as `3 d ago`."""
    if seconds is None:
        return "at an unknown time"
    name, size = next((unit for unit in UNITS if seconds >= 2 * unit[1]), ("s", 1))
    return f"{seconds // size:.0f} {name} ago"
