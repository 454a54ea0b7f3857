"""The boot of a guest: when its milestones were reached, and which units took longest."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RunInGuest = Callable[[Sequence[str]], str]
LAST_STAGE = "cloud-final.service"
AGENT, COLLECTOR = "guestagent.service", "os-collect-config.service"
STARTED, EXITED = "ActiveEnterTimestampMonotonic", "ExecMainExitTimestampMonotonic"
# A release has one of the two names of cloud-init's network stage, and one of the servers.
MILESTONE_UNITS: Mapping[str, tuple[str, str]] = {
    "cloud-init-local.service": ("cloud-init, local stage", STARTED),
    "cloud-init.service": ("cloud-init, network stage", STARTED),
    "cloud-init-network.service": ("cloud-init, network stage", STARTED),
    "mariadb.service": ("database server", STARTED),
    "mysql.service": ("database server", STARTED),
    "cloud-config.service": ("cloud-init, config stage", STARTED),
    LAST_STAGE: ("cloud-init has ended", EXITED),
    AGENT: ("agent is up", STARTED),
    COLLECTOR: ("collector starts", STARTED),
}
CLOUD_INIT_END, FIRST_PASS, SUCCESS = "cloud-init has ended", "agent has the metadata", "SUCCESS accepted"
SUCCESS_LINE = "signal SUCCESS: accepted"
PASS_PATTERN = re.compile(r"^INFO \d+\.\d s: ")
BLAME_PATTERN = re.compile(r"^\s*(?P<time>(?:[\d.]+(?:min|ms|s) ?)+) (?P<unit>\S+)$")
UNIT_SECONDS = {"min": 60.0, "s": 1.0, "ms": 0.001}
BLAME_LIMIT = 8


@dataclass(frozen=True, slots=True)
class BootTimes:
    """Seconds from power-on (the start of PID 1) to each milestone, and seconds of the slowest units' starts."""

    milestones: Mapping[str, float]
    blame: Mapping[str, float]

    @property
    def after_cloud_init(self) -> float:
        """Seconds from the end of cloud-init to the accepted SUCCESS."""
        return self.milestones[SUCCESS] - self.milestones[CLOUD_INIT_END]


def read_boot_times(init: int, run: RunInGuest) -> BootTimes:
    """Read the times of the boot of a guest that has sent SUCCESS. `init` is its PID 1 on this machine."""
    power_on = read_start_time(init)
    properties = ("Id", STARTED, EXITED)
    units = run(("systemctl", "show", f"--property={','.join(properties)}", *MILESTONE_UNITS))
    entries = run(("journalctl", "--boot", "--unit", AGENT, "--output=json", "--no-pager")).splitlines()
    times = {**parse_unit_times(units), **parse_agent_times(map(json.loads, entries))}
    blame = run(("systemd-analyze", "blame", "--no-pager"))
    return BootTimes({name: at - power_on for name, at in times.items()}, parse_blame(blame))


def read_start_time(pid: int) -> float:
    """Return when a process started, in seconds of the monotonic clock, which systemd uses too."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    suspend_time = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return ticks / os.sysconf("SC_CLK_TCK") - suspend_time


def parse_unit_times(text: str) -> dict[str, float]:
    """Parse the answer of `systemctl show`. Units without a time are left out."""
    times = {}
    for paragraph in text.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in paragraph.splitlines())
        name, key = MILESTONE_UNITS.get(values["Id"], ("", STARTED))
        microseconds = int(values.get(key, 0))
        if name and microseconds:
            times[name] = microseconds / 1e6
    return times


def parse_agent_times(entries: Iterable[Mapping[str, str]]) -> dict[str, float]:
    """Find the beginning of the first pass and the first accepted SUCCESS in the agent's log."""
    times: dict[str, float] = {}
    for entry in entries:
        message, at = entry["MESSAGE"], int(entry["__MONOTONIC_TIMESTAMP"]) / 1e6
        if PASS_PATTERN.search(message):
            times.setdefault(FIRST_PASS, at)
        if SUCCESS_LINE in message:
            times.setdefault(SUCCESS, at)
    return times


def parse_blame(text: str) -> dict[str, float]:
    """Parse the answer of `systemd-analyze blame`: the services that took longest, without devices and mounts."""
    matches = [match for line in text.splitlines() if (match := BLAME_PATTERN.match(line))]
    blame = {
        match["unit"]: parse_time(match["time"]) for match in matches if match["unit"].endswith(".service")
    }
    return dict(list(blame.items())[:BLAME_LIMIT])


def parse_time(text: str) -> float:
    """Parse a span of time as systemd writes it, such as `1min 2.345s`."""
    return sum(float(number) * UNIT_SECONDS[unit] for number, unit in re.findall(r"([\d.]+)(min|ms|s)", text))
