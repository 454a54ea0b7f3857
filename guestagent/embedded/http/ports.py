"""Free ports of this machine, none of which the kernel gives to a connection by itself.

So a service can be closed and opened again on the same port: no connection begins at it meanwhile.
"""

from __future__ import annotations

import secrets
import socket

from guestagent.errors import UnsupportedEnvironment

PORT_RANGE = range(10000, 32768)  # below Linux' own range (net.ipv4.ip_local_port_range)
ATTEMPT_LIMIT = 200


def take_free_port(host: str) -> socket.socket:
    """Return a socket that listens on a free port of this address."""
    for _ in range(ATTEMPT_LIMIT):
        try:
            return take_port(host, secrets.choice(PORT_RANGE))
        except OSError:
            continue
    raise UnsupportedEnvironment(
        f"no free port on {host}: {ATTEMPT_LIMIT} from {PORT_RANGE.start} to {PORT_RANGE.stop} are in use"
    )


def take_port(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this port; OSError if it is in use.

    It listens at once: until one does, the kernel gives the port to several that may reuse addresses.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def list_free_ports(host: str, count: int) -> list[int]:
    """Return free ports of this address, all different, for programs that listen themselves."""
    listeners = [take_free_port(host) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
