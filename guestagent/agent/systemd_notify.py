"""Notifies systemd of the service's readiness and status line (sd_notify)."""

from __future__ import annotations

import os
import socket

from guestagent.text_escaping import escape_line


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
