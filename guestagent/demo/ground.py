"""The ground that the demo is played on: an embedded cloud of its own on this machine, and its guests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from guestagent import durable
from guestagent.controller import Heat
from guestagent.demo.play import STACK
from guestagent.demo.stage import Server, Table
from guestagent.demo.table import SocketTable
from guestagent.embedded import daemon
from guestagent.embedded.guests import image_services, kind_of, network, processes
from guestagent.embedded.guests.requirements import require
from guestagent.embedded.record import Options, Record, find
from guestagent.embedded.servers import prepared
from guestagent.errors import CloudError, CloudRefused, DatabaseUnreachable
from guestagent.file_lock import try_lock

SOCKET = "run/mysqld/mysqld.sock"
TAIL = 15  # lines


class Ground:
    """The `Place` that is real. `image` is one of the embedded cloud's."""

    def __init__(self, options: Options, image: str) -> None:
        self.options, self.image = options, image

    def prepare(self, say: Callable[[str], None]) -> None:
        flavour = kind_of(self.image).flavour
        if flavour is not None:
            prepared(flavour, say)

    def up(self) -> None:
        daemon.up(self.options)

    def down(self) -> bool:
        return daemon.down(self.options)

    @property
    def runs(self) -> bool:
        record = find(self.options)
        return record is not None and record.alive

    @contextmanager
    def alone(self) -> Iterator[None]:
        """UnsupportedEnvironment where this machine cannot play it, CloudRefused where it is being played."""
        require(self.options.state, [service.argv[0] for service in image_services(kind_of(self.image))])
        # The folder above, for the state folder itself comes and goes.
        above = os.open(self.options.state.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not try_lock(above):
                raise CloudRefused("a demo is running on this machine already: wait for its end")
            yield
        finally:
            os.close(above)

    def heat(self) -> Heat:
        from guestagent.controller.cloud import connect

        # openstacksdk finds the entry by this, whatever lies in the current folder; no proxy leads to it.
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(self.options.clouds_file)
        for name in ("no_proxy", "NO_PROXY"):
            os.environ[name] = ",".join(filter(None, (os.environ.get(name), self.options.gateway)))
        return connect(self.options.name)

    def servers(self) -> tuple[Server, ...]:
        shown = ((server, _node(server["name"])) for server in self._told("servers"))
        return tuple(Server(server["id"], node, server["address"]) for server, node in shown if node)

    def table(self, server: Server) -> Table:
        return SocketTable(partial(self._socket, server))

    def agent_log(self, server: Server) -> tuple[str, ...]:
        return _tail(self.options.state / "guests" / server.id / "var/log/guestagent.log")

    def cloud_log(self) -> tuple[str, ...]:
        return _tail(self.options.log)

    def dangerous_reads(self) -> tuple[str, ...]:
        return tuple(f"{read['read']} of {read['stack']}" for read in self._told("dangerous_reads"))

    def _told(self, kind: str) -> list[dict[str, Any]]:
        told = daemon.status(self._record())[kind]
        assert isinstance(told, list)
        return told

    def _record(self) -> Record:
        record = find(self.options)
        if record is None or not record.alive:
            raise CloudError(f"the embedded cloud {self.options.name} does not run any more")
        return record

    def _socket(self, server: Server) -> str:
        """A guest's /run is its own: the way to it leads through its first process."""
        init = processes.init_of(network.wire(self.options.bridge, server.id).namespace)
        if init is None:
            raise DatabaseUnreachable(f"{server.node} does not run")
        return f"/proc/{init}/root/{SOCKET}"


def _tail(path: Path) -> tuple[str, ...]:
    return tuple((durable.read(path) or b"").decode(errors="replace").splitlines()[-TAIL:])


def _node(name: str) -> str:
    """Heat calls a server after its stack and its resource; "" for another stack's."""
    return name.removeprefix(f"{STACK}-").rpartition("-")[0] if name.startswith(f"{STACK}-") else ""
