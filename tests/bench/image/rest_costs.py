"""Memory and processor time of a guest at rest, by unit and as a whole, and the exposure of our units."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.image.boot_times import RunInGuest
from tests.bench.image.guest_load import read_cpu_seconds, read_guest_cpu_seconds
from tests.bench.image.guest_memory import group_by_unit, list_processes, measure_memory

DAY_S = 86400.0
EXPOSURE_PATTERN = re.compile(r"Overall exposure level for (?P<unit>\S+): (?P<level>[\d.]+) ")


@dataclass(frozen=True, slots=True)
class RestCosts:
    """Bytes of each unit's processes, and their processor seconds a day. The guest's own include ended processes."""

    memory: Mapping[str, float]
    cpu_per_day: Mapping[str, float]
    whole_cpu_per_day: float

    @property
    def whole_memory(self) -> float:
        return sum(self.memory.values())


def measure_rest(init: int, cgroups: list[Path], seconds: float) -> RestCosts:
    """Measure a guest with nothing to do for some seconds."""
    processes = list_processes(init)
    units = group_by_unit(dict.fromkeys(processes, 0.0)).keys()
    before, whole_before, started = _read_cpu(processes), read_guest_cpu_seconds(cgroups), time.monotonic()
    time.sleep(seconds)
    after, whole_after = _read_cpu(processes), read_guest_cpu_seconds(cgroups)
    days = (time.monotonic() - started) / DAY_S
    return RestCosts(
        group_by_unit(measure_memory(list_processes(init))),
        {unit: max(0.0, after.get(unit, 0.0) - before[unit]) / days for unit in units},
        (whole_after - whole_before) / days,
    )


def read_exposure(run: RunInGuest, units: tuple[str, ...]) -> dict[str, float]:
    """Read the exposure level of units as the guest's own systemd rates it."""
    return parse_exposure(
        "\n".join(run(("systemd-analyze", "security", "--no-pager", unit)) for unit in units)
    )


def parse_exposure(text: str) -> dict[str, float]:
    """Parse the last lines of `systemd-analyze security UNIT`."""
    return {match["unit"]: float(match["level"]) for match in EXPOSURE_PATTERN.finditer(text)}


def _read_cpu(processes: list[int]) -> dict[str, float]:
    return group_by_unit({pid: read_cpu_seconds(pid) for pid in processes if Path(f"/proc/{pid}").exists()})
