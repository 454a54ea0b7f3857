"""The ground that the demo is played on: an embedded cloud of its own on this machine, and its guests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from guestagent import atomic_file
from guestagent.controller import Heat
from guestagent.demo.protocols import DemoServer, DemoTable
from guestagent.demo.scenario import STACK_NAME
from guestagent.demo.socket_table import SocketTable
from guestagent.embedded.database_servers import provide_data_directory
from guestagent.embedded.guests import find_image, list_image_services, namespace_processes, network
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.embedded.process import daemon
from guestagent.embedded.process.state_file import CloudOptions, CloudState, load_cloud_state
from guestagent.errors import CloudError, CloudRefused, DatabaseUnreachable
from guestagent.file_lock import try_lock

SERVER_SOCKET = "run/mysqld/mysqld.sock"
LOG_LINE_LIMIT = 15  # lines


class EmbeddedEnvironment:
    """The `Place` that is real. `image` is one of the embedded cloud's."""

    def __init__(self, options: CloudOptions, image: str) -> None:
        self.options, self.image = options, image

    def prepare_image(self, say: Callable[[str], None]) -> None:
        flavour = find_image(self.image).flavour
        if flavour is not None:
            provide_data_directory(flavour, say)

    def start_cloud(self) -> None:
        daemon.start_cloud(self.options)

    def stop_cloud(self) -> bool:
        return daemon.stop_cloud(self.options)

    @property
    def is_running(self) -> bool:
        record = load_cloud_state(self.options)
        return record is not None and record.is_alive

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """UnsupportedEnvironment where this machine cannot play it, CloudRefused where it is being played."""
        check_requirements(
            self.options.state_folder,
            [service.argv[0] for service in list_image_services(find_image(self.image))],
        )
        # The folder above, for the state folder itself comes and goes.
        above = os.open(self.options.state_folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not try_lock(above):
                raise CloudRefused("a demo is running on this machine already: wait for its end")
            yield
        finally:
            os.close(above)

    def connect_heat(self) -> Heat:
        from guestagent.controller.openstack_heat import open_heat

        # openstacksdk finds the entry by this, whatever lies in the current folder; no proxy leads to it.
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(self.options.clouds_file)
        for name in ("no_proxy", "NO_PROXY"):
            os.environ[name] = ",".join(filter(None, (os.environ.get(name), self.options.gateway)))
        return open_heat(self.options.name)

    def list_servers(self) -> tuple[DemoServer, ...]:
        shown = ((server, _node(server["name"])) for server in self._told("servers"))
        return tuple(DemoServer(server["id"], node, server["address"]) for server, node in shown if node)

    def open_table(self, server: DemoServer) -> DemoTable:
        return SocketTable(partial(self._socket, server))

    def read_agent_log(self, server: DemoServer) -> tuple[str, ...]:
        return _tail(self.options.state_folder / "guests" / server.id / "var/log/guestagent.log")

    def read_cloud_log(self) -> tuple[str, ...]:
        return _tail(self.options.log_file)

    def list_dangerous_reads(self) -> tuple[str, ...]:
        return tuple(f"{read['read']} of {read['stack']}" for read in self._told("dangerous_reads"))

    def _told(self, kind: str) -> list[dict[str, Any]]:
        told = daemon.fetch_status(self._record())[kind]
        assert isinstance(told, list)
        return told

    def _record(self) -> CloudState:
        record = load_cloud_state(self.options)
        if record is None or not record.is_alive:
            raise CloudError(f"the embedded cloud {self.options.name} does not run any more")
        return record

    def _socket(self, server: DemoServer) -> str:
        """A guest's /run is its own: the way to it leads through its first process."""
        init = namespace_processes.find_init(
            network.build_link_names(self.options.bridge, server.id).namespace
        )
        if init is None:
            raise DatabaseUnreachable(f"{server.node} does not run")
        return f"/proc/{init}/root/{SERVER_SOCKET}"


def _tail(path: Path) -> tuple[str, ...]:
    return tuple((atomic_file.read_file(path) or b"").decode(errors="replace").splitlines()[-LOG_LINE_LIMIT:])


def _node(name: str) -> str:
    """Heat calls a server after its stack and its resource; "" for another stack's."""
    return name.removeprefix(f"{STACK_NAME}-").rpartition("-")[0] if name.startswith(f"{STACK_NAME}-") else ""
