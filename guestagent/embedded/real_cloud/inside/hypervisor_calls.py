"""Calls to the hypervisor that runs the guests, in the process that started the cloud.

Without one, servers and volumes are rows of databases and nothing else.
"""

import json
import os
import socket
from typing import Any

PATH_VARIABLE = "GUESTAGENT_HYPERVISOR"


class HypervisorFailed(Exception):
    """A call has failed, for the reason in the text."""


def has_hypervisor() -> bool:
    """Return whether anything runs the guests."""
    return PATH_VARIABLE in os.environ


def call_hypervisor(name: str, **arguments: Any) -> None:
    """Execute a call, and return when it has ended. Nothing happens if there is no hypervisor."""
    path = os.environ.get(PATH_VARIABLE)
    if path is None:
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(json.dumps({"call": name, "arguments": arguments}).encode() + b"\n")
        with connection.makefile("rb") as file:
            line = file.readline()
    error = json.loads(line)["error"] if line else f"{name}: the hypervisor has ended"
    if error is not None:
        raise HypervisorFailed(error)
