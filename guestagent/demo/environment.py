"""The environment of the demo: a separate embedded cloud on this machine, and its guests."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from guestagent import atomic_file
from guestagent.controller import Heat
from guestagent.demo.protocols import DemoServer, DemoTable
from guestagent.demo.scenario import STACK_NAME
from guestagent.demo.seed_watch import describe_seed_state
from guestagent.demo.socket_table import SocketTable
from guestagent.embedded.database_servers import provide_data_directory
from guestagent.embedded.guests import find_image, list_image_services, namespace_processes, network
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.embedded.process import client
from guestagent.embedded.process.state_file import CloudOptions, CloudState, load_cloud_state
from guestagent.errors import CloudError, CloudRefused, DatabaseUnreachable
from guestagent.file_lock import try_lock

SERVER_SOCKET = "run/mysqld/mysqld.sock"
SEED_STATE = "seed/state.json"
LOG_LINE_LIMIT = 15
SERVER_NAME_PATTERN = re.compile(rf"(ga-)?{STACK_NAME}-(?P<node>[A-Za-z0-9]+)-.+")
"""Heat appends a random text to stack and resource; the resource manager has a prefix of its own."""


class EmbeddedEnvironment:
    """The real `DemoEnvironment`. `image` is the name of an image of the embedded cloud."""

    def __init__(self, options: CloudOptions, image: str) -> None:
        self.options, self.image = options, image

    @property
    def nodes_description(self) -> str:
        return "its nodes are namespaces of this machine, each with its own database server"

    def prepare_image(self, report: Callable[[str], None]) -> None:
        flavour = find_image(self.image).flavour
        if flavour is not None:
            provide_data_directory(flavour, report)

    def start_cloud(self) -> None:
        client.start_cloud(self.options)

    def stop_cloud(self) -> bool:
        return client.stop_cloud(self.options)

    @property
    def is_running(self) -> bool:
        state = load_cloud_state(self.options)
        return state is not None and state.is_alive

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Keep other demos from running on this machine.

        Raises UnsupportedEnvironment if the machine does not meet the requirements, and CloudRefused if another demo is
        running.
        """
        self.check_requirements()
        # The parent folder, because the state folder itself is created and removed.
        descriptor = os.open(self.options.state_folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not try_lock(descriptor):
                raise CloudRefused("another demo is running on this machine: wait until it ends")
            yield
        finally:
            os.close(descriptor)

    def check_requirements(self) -> None:
        """Raise UnsupportedEnvironment if the machine cannot run the nodes."""
        programs = [service.argv[0] for service in list_image_services(find_image(self.image))]
        check_requirements(self.options.state_folder, programs)

    def connect_heat(self) -> Heat:
        from guestagent.controller.openstack_heat import open_heat

        self.choose_clouds_file()
        return open_heat(self.options.name)

    def choose_clouds_file(self) -> None:
        """Let this process find the cloud under its name."""
        # With this openstacksdk ignores a clouds.yaml in the current folder. Proxies cannot reach the cloud.
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(self.options.clouds_file)
        for name in ("no_proxy", "NO_PROXY"):
            os.environ[name] = ",".join(filter(None, (os.environ.get(name), self.options.gateway)))

    def list_servers(self) -> tuple[DemoServer, ...]:
        rows = ((server, _parse_node_name(server["name"])) for server in self._fetch_rows("servers"))
        return tuple(DemoServer(server["id"], node, server["address"]) for server, node in rows if node)

    def open_table(self, server: DemoServer) -> DemoTable:
        return SocketTable(partial(self._find_socket, server))

    def read_agent_log(self, server: DemoServer) -> tuple[str, ...]:
        return read_last_lines(self.options.state_folder / "guests" / server.id / "var/log/guestagent.log")

    def describe_seed(self, server: DemoServer) -> str:
        content = atomic_file.read_file(self._find_state_folder(server) / SEED_STATE)
        return "" if content is None else describe_seed_state(content)

    def _find_state_folder(self, server: DemoServer) -> Path:
        """Return the folder of the agent's state, outside of the node."""
        return self.options.state_folder / "guests" / server.id / "var/lib/guestagent"

    def read_cloud_log(self) -> tuple[str, ...]:
        return read_last_lines(self.options.log_file)

    def list_dangerous_reads(self) -> tuple[str, ...]:
        return tuple(f"{row['read']} of {row['stack']}" for row in self._fetch_rows("dangerous_reads"))

    def _fetch_rows(self, key: str) -> list[dict[str, Any]]:
        rows = client.fetch_status(self.load_state())[key]
        assert isinstance(rows, list)
        return rows

    def load_state(self) -> CloudState:
        state = load_cloud_state(self.options)
        if state is None or not state.is_alive:
            raise CloudError(f"the embedded cloud {self.options.name} does not run any more")
        return state

    def _find_socket(self, server: DemoServer) -> str:
        """Return a path through the guest's first process: /run is mounted only inside the guest."""
        pid = namespace_processes.find_init(
            network.build_link_names(self.options.bridge, server.id).namespace
        )
        if pid is None:
            raise DatabaseUnreachable(f"{server.node} does not run")
        return f"/proc/{pid}/root/{SERVER_SOCKET}"


def read_last_lines(path: Path) -> tuple[str, ...]:
    """Read the end of a log; nothing if there is none."""
    text = (atomic_file.read_file(path) or b"").decode(errors="replace")
    return tuple(text.splitlines()[-LOG_LINE_LIMIT:])


def _parse_node_name(server_name: str) -> str:
    """Return the node of a server, which is named after its stack or cluster; "" for another one's server."""
    found = SERVER_NAME_PATTERN.fullmatch(server_name)
    return "" if found is None else found["node"]
