"""Tells systemd how the service is (sd_notify): readiness and a status line. Nothing where nobody listens."""

from __future__ import annotations

import os
import socket

from guestagent.text_escaping import escape_line


def notify_systemd(message: str) -> None:
    """Send `message` to the socket that systemd named, if any. It is a courtesy: it never fails."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        try:
            out.sendto(escape_line(message).encode(), path)
        except OSError:
            return
