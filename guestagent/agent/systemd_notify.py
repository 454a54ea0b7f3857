"""Notifies systemd of the service's readiness, its status line and its keep-alive messages (sd_notify)."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping

from guestagent.retry import Clock
from guestagent.text_escaping import escape_line

WATCHDOG_SHARE = 0.1
"""The share of systemd's limit after which the next keep-alive message is due: much of it is left for a slow step."""


def notify_systemd(message: str) -> None:
    """Send `message` to the socket that systemd has named, if any. It never fails: the agent works without systemd."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client:
        try:
            client.sendto(escape_line(message).encode(), path)
        except OSError:
            return


class Watchdog:
    """The keep-alive messages of the loop: systemd kills an agent that has sent none for the unit's WatchdogSec=.

    `limit_s` is that limit; None if there is none. Only the thread of the loop may use it.
    """

    def __init__(
        self, limit_s: float | None, clock: Clock, notify: Callable[[str], None] = notify_systemd
    ) -> None:
        self._limit_s, self._clock, self._notify = limit_s, clock, notify
        self._due_at = clock.now()

    def send_keepalive(self) -> None:
        """Send a keep-alive message if one is due. Cheap, because a pass calls it between any two steps."""
        if self._limit_s is None or self._clock.now() < self._due_at:
            return
        self._due_at = self._clock.now() + self._limit_s * WATCHDOG_SHARE
        self._notify("WATCHDOG=1")


def read_watchdog_limit(environ: Mapping[str, str], pid: int) -> float | None:
    """Read the limit in seconds that systemd has set for this process; None if it has set none."""
    limit = environ.get("WATCHDOG_USEC", "")
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid) or not limit.isdecimal() or int(limit) == 0:
        return None
    return int(limit) / 1e6
