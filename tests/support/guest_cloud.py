"""An embedded cloud with real guests for a test, and what a person would do with it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection

from guestagent.controller import Cluster, render
from guestagent.controller.heat_api import Stack
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.controller.stacks import Stacks
from guestagent.embedded import Serving, serving
from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.guests.namespace_processes import find_init
from guestagent.embedded.guests.network import build_link_names
from guestagent.embedded.process.cloud_settings import CloudSettings

STACK_TIMEOUT_S = 60.0
QUERY_PROGRAM = """
import json, sys
from guestagent.database.login import connect_socket
from guestagent.database.sql_statement import sql
connection = connect_socket("/run/mysqld/mysqld.sock", "root", 20)
rows = []
for text in sys.argv[1:]:
    rows = connection.fetch_rows(sql(text.replace("{", "{{").replace("}", "}}")), "asking")
print(json.dumps(rows))
"""


class GuestCloud:
    """A served cloud, its hypervisor, and a controller that uses it."""

    def __init__(
        self, served: Serving, hypervisor: NamespaceHypervisor, bridge: str, connection: Connection
    ) -> None:
        self.server, self.hypervisor, self.bridge = served, hypervisor, bridge
        self.operator, self.heat = connection, OpenStackHeat(connection)
        self.stacks = Stacks(self.heat, every=0.3)

    def create(self, name: str, cluster: Cluster) -> Stack:
        return self.stacks.wait(self.stacks.create(name, cluster), STACK_TIMEOUT_S)

    def launch(self, name: str, cluster: Cluster, spoil: Callable[[dict[str, Any]], None]) -> None:
        """Create a stack from a template that `spoil` has changed; returns at once."""
        template = render(replace(cluster, metadata_url=self.heat.metadata_url()))
        spoil(template["Resources"])
        self.heat.create(name, template, 10)

    def wait_until_ended(self, name: str, within: float = STACK_TIMEOUT_S) -> Stack:
        """The stack once it is at rest; polled as a real Heat wants it."""
        until = time.monotonic() + within
        while (stack := self.heat.stacks(name)[0]).in_progress:
            assert time.monotonic() < until, f"{name} is still {stack.status}"
            time.sleep(0.3)
        return stack

    def find_guest(self, node: str, within: float = 20) -> str:
        """The id of the guest that is this node, once it is there. `STACK-NODE` where there are several stacks."""
        until = time.monotonic() + within
        while True:
            for guest, server in list(self.server.cloud.compute.servers.items()):
                if f"-{node}-" in f"-{server.name}" and self.hypervisor.is_running(guest):
                    return guest
            assert time.monotonic() < until, f"no guest for {node}"
            time.sleep(0.1)

    def execute(self, guest: str, *statements: str) -> list[dict[str, str]]:
        """The last statement's rows, from the guest's own server."""
        answer = self.hypervisor.run_command(guest, [sys.executable, "-c", QUERY_PROGRAM, *statements])
        assert answer.returncode == 0, answer
        rows: list[dict[str, str]] = json.loads(answer.stdout)
        return rows

    def query_value(self, guest: str, expression: str) -> str:
        return self.execute(guest, f"SELECT {expression} AS value")[0]["value"]

    def find_socket(self, guest: str) -> str:
        """The way to a guest's server from outside: its /run is its own, and seen through its first process."""
        init = find_init(build_link_names(self.bridge, guest).namespace)
        assert init is not None, f"guest {guest} does not run"
        return f"/proc/{init}/root/run/mysqld/mysqld.sock"

    def read_log(self, guest: str, name: str = "guestagent") -> str:
        return (self.hypervisor.find_folder(guest) / "var" / "log" / f"{name}.log").read_text()


@contextmanager
def open_guest_cloud(
    subnet: IPv4Network, state: Path, images: Path, network: IPv6Network | None = None
) -> Iterator[GuestCloud]:
    """A cloud with real guests on this subnet, which names its bridge, or on a network of IPv6 in its place."""
    there = subnet if network is None else network
    gateway = str(there[1])
    bridge = f"gac{str(subnet).split('.')[2]}"
    hypervisor = NamespaceHypervisor(state, bridge, gateway, there.prefixlen, images=images)
    with (
        serving(hypervisor, CloudSettings(host=gateway, network=there)) as served,
        openstack.connect(**served.connect) as connection,
    ):
        yield GuestCloud(served, hypervisor, bridge, connection)
