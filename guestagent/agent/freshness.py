"""The freshness of the last status: how old it is, and whether the resident agent and the server run now.

Cheap, so that a monitoring system may check every few seconds. It reads no table and logs in nowhere: the agent and
the doctor do that.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from guestagent.agent import wakeup_pipe
from guestagent.agent.settings import Settings
from guestagent.agent.status import AgentStatus
from guestagent.agent.timestamp import Timestamp, format_age, measure_age, read_timestamp

MISSED_PASSES_LIMIT = 3
PASS_TIMEOUT_S = 60.0
"""The time that one pass may take on a large server."""


def is_server_listening(path: Path) -> bool:
    """Return whether a process serves the Unix socket at `path`.

    Nothing connects, so that the server logs no aborted connection: a datagram socket cannot connect to the server's
    stream socket, and Linux answers EPROTOTYPE only if a process has that one open.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            return probe.connect_ex(str(path)) in (0, errno.EPROTOTYPE)
        except OSError:  # a path that is too long for a socket
            return False


@dataclass(frozen=True, slots=True)
class FreshnessProbes:
    """The probes besides the status; a test passes its own."""

    now: Callable[[], Timestamp] = field(default=read_timestamp)
    is_agent_listening: Callable[[Path], bool] = field(default=wakeup_pipe.is_listening)
    is_server_listening: Callable[[Path], bool] = field(default=is_server_listening)


@dataclass(frozen=True, slots=True)
class Freshness:
    """The age and the context of a status. `age` and `limit` in seconds; `age` is None if it is not known.

    `is_rebooted`: the machine was rebooted after the status was written, and the server has not been observed since.
    """

    status: AgentStatus
    age: float | None
    limit: float
    is_rebooted: bool
    has_agent: bool
    has_server: bool

    @property
    def is_current(self) -> bool:
        """Whether the server was observed lately. An older status describes the past."""
        return self.age is not None and self.age <= self.limit and not self.is_rebooted

    @property
    def is_ready(self) -> bool:
        """Whether the node is ready now."""
        return self.status.is_ready and self.is_current and self.has_server

    def as_json(self) -> dict[str, object]:
        time = self.status.observed_at
        return {
            "at": None if time is None else time.at,
            "age": None if self.age is None else round(self.age, 1),
            "current": self.is_current,
            "agent": "running" if self.has_agent else "not running",
            "server": "listening" if self.has_server else "not listening",
        }


def assess_freshness(
    settings: Settings, status: AgentStatus, probes: FreshnessProbes | None = None
) -> Freshness:
    """Compare a status with the clocks, the resident agent's pipe and the server's socket."""
    probes = probes or FreshnessProbes()
    now, time = probes.now(), status.observed_at
    return Freshness(
        status,
        measure_age(time, now),
        limit=MISSED_PASSES_LIMIT * settings.interval + PASS_TIMEOUT_S,
        is_rebooted=time is not None and time.boot != now.boot,
        has_agent=probes.is_agent_listening(settings.run_folder / wakeup_pipe.PIPE_NAME),
        has_server=probes.is_server_listening(settings.database_socket),
    )


def describe_doubt(freshness: Freshness) -> str:
    """Describe why the status does not show the present state of the node; "" if it does."""
    if not freshness.is_current:
        reboot = ", before a reboot" if freshness.is_rebooted else ""
        return f"{format_age(freshness.age)}{reboot}; how it is now is not known"
    if freshness.status.is_ready and not freshness.has_server:
        return f"{format_age(freshness.age)}; the server has stopped since"
    return ""


def describe_freshness(freshness: Freshness, settings: Settings) -> list[str]:
    """Describe the age, the agent and the server, line by line."""
    time = freshness.status.observed_at
    if time is None:
        lines = ["looked   never, or by guestagent 0.1, which kept no time"]
    else:
        limit = "" if freshness.is_current else f"; it counts for {freshness.limit:.0f} s"
        lines = [f"looked   {format_age(freshness.age)}, at {time.at}{limit}"]
    if not freshness.has_agent:
        lines.append("agent    guestagent serve does not run: systemctl start guestagent")
    elif not freshness.is_current and time is not None:
        lines.append("agent    guestagent serve runs, but completes no observation: journalctl -u guestagent")
    if not freshness.has_server:
        lines.append(f"server   does not run: nothing listens at {settings.database_socket}")
    return lines
