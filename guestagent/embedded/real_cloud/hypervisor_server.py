"""Lets the drivers in Nova and Cinder use a hypervisor of this process, which has rights that the services lack.

A connection is one call, in JSON: `{"call": NAME, "arguments": {...}}` and `{"error": TEXT or null}`, a line each.
"""

from __future__ import annotations

import base64
import json
import os
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.openstack.nova.hypervisor import Guest, GuestSize, Hypervisor
from guestagent.errors import GuestAgentError

PATH_VARIABLE = "GUESTAGENT_HYPERVISOR"
"""The variable in which a service finds the path of the socket."""
PLAIN_CALLS = frozenset(
    {
        *("reboot", "cut_power", "destroy", "attach_volume", "detach_volume", "show_growth"),
        *("create_volume", "extend_volume", "delete_volume"),
    }
)
"""The calls of a Hypervisor whose arguments are ids and numbers alone."""


class HypervisorServer:
    """Serves one hypervisor on a socket that only the services' account can open."""

    def __init__(self, hypervisor: Hypervisor, path: Path, account: UnixAccount) -> None:
        self._hypervisor, self._path, self._account = hypervisor, path, account
        self._server: socketserver.BaseServer | None = None

    def start(self) -> None:
        """Return when calls are taken."""
        hypervisor = self._hypervisor

        class CallHandler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                answer = {"error": execute_call(hypervisor, json.loads(self.rfile.readline()))}
                with suppress(BrokenPipeError):  # the service was killed meanwhile
                    self.wfile.write(json.dumps(answer).encode() + b"\n")

        self._server = CallServer(str(self._path), CallHandler)
        os.chown(self._path, self._account.uid, self._account.gid)
        self._path.chmod(0o600)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Take no more calls."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class CallServer(socketserver.ThreadingUnixStreamServer):
    """A thread for each call, none of which keeps this process from ending."""

    daemon_threads = True
    request_queue_size = 64


def execute_call(hypervisor: Hypervisor, call: Mapping[str, Any]) -> str | None:
    """Execute a call. Return why it failed, or None."""
    try:
        find_method(hypervisor, call["call"])(**call["arguments"])
    except (GuestAgentError, LookupError) as error:
        return f"{call['call']}: {error}"
    return None


def find_method(hypervisor: Hypervisor, name: str) -> Callable[..., None]:
    """Return what executes a call. LookupError for one that does not exist."""
    if name in PLAIN_CALLS:
        method: Callable[..., None] = getattr(hypervisor, name)
        return method

    def boot(guest: Mapping[str, Any]) -> None:
        hypervisor.boot(read_guest(guest))

    def resize(guest_id: str, size: Mapping[str, Any]) -> None:
        hypervisor.resize(guest_id, GuestSize(**size))

    methods: Mapping[str, Callable[..., None]] = {"boot": boot, "resize": resize}
    return methods[name]


def read_guest(values: Mapping[str, Any]) -> Guest:
    """Read a guest as the driver describes it. Its user data are in base64."""
    user_data = base64.b64decode(values["user_data"])
    return Guest(**{**values, "user_data": user_data, "volumes": tuple(values["volumes"])})
