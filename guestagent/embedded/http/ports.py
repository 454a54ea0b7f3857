"""Free ports of this machine, none of which the kernel gives to a connection by itself.

A service can so be closed and opened again on the same port: nobody's connection begins at it meanwhile.
"""

from __future__ import annotations

import secrets
import socket

from guestagent.errors import UnsupportedEnvironment

PORT_RANGE = range(10000, 32768)  # below Linux' own range (net.ipv4.ip_local_port_range)
ATTEMPT_LIMIT = 200


def take_free_port(host: str) -> socket.socket:
    """A socket that listens on a free port of this address."""
    for _ in range(ATTEMPT_LIMIT):
        try:
            return take_port(host, secrets.choice(PORT_RANGE))
        except OSError:
            continue
    raise UnsupportedEnvironment(
        f"no free port on {host}: {ATTEMPT_LIMIT} from {PORT_RANGE.start} to {PORT_RANGE.stop} are in use"
    )


def take_port(host: str, port: int) -> socket.socket:
    """A socket that listens on this port; OSError if it is in use.

    It listens at once: until one does, the kernel gives the port to several that may reuse addresses.
    """
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen()
    except OSError:
        made.close()
        raise
    return made
