"""Processor time of a guest's processes, and of the guest as a whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
CHILDREN_FIELDS = slice(13, 15)  # cutime and cstime, after the command's name


def read_cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of the children for which it has waited; 0 if it has ended."""
    nanoseconds, ticks = 0, 0
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            nanoseconds += int((thread / "schedstat").read_text().split()[0])
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = sum(map(int, fields[CHILDREN_FIELDS]))
    return nanoseconds / 1e9 + ticks * TICK_S


def read_guest_cpu_seconds(cgroups: list[Path]) -> float:
    """Return the processor time of a whole guest, ended processes included, from its control groups."""
    for folder in cgroups:
        usage, statistics = folder / "cpuacct.usage", folder / "cpu.stat"
        if usage.is_file():
            return int(usage.read_text()) / 1e9
        if statistics.is_file() and (line := statistics.read_text().split("\n")[0]).startswith("usage_usec"):
            return int(line.split()[1]) / 1e6
    raise AssertionError(f"no control group of the guest counts processor time: {cgroups}")
