"""An embedded cloud with real guests for a test, and an operator's requests to it."""

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
from guestagent.controller.openstack_hardware import OpenStackHardware
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.controller.stacks import Stacks
from guestagent.embedded import Serving, serving
from guestagent.embedded.containers import ContainerHypervisor, ImageTree
from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.guests.namespace_processes import find_init
from guestagent.embedded.guests.network import build_link_names
from guestagent.embedded.process.cloud_settings import CloudSettings
from tests.support.polling import wait_until

STACK_TIMEOUT_S = 180.0
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


GuestHypervisor = NamespaceHypervisor | ContainerHypervisor


class GuestCloud:
    """A running cloud, its hypervisor, and a controller that uses it."""

    def __init__(
        self, server: Serving, hypervisor: GuestHypervisor, bridge: str, connection: Connection
    ) -> None:
        self.server, self.hypervisor, self.bridge = server, hypervisor, bridge
        self.operator, self.heat = connection, OpenStackHeat(connection)
        self.stacks = Stacks(self.heat, every=0.3, hardware=OpenStackHardware(connection))

    def create(self, name: str, cluster: Cluster) -> Stack:
        return self.stacks.wait(self.stacks.create(name, cluster), STACK_TIMEOUT_S)

    def launch(self, name: str, cluster: Cluster, change_resources: Callable[[dict[str, Any]], None]) -> None:
        """Create a stack from a template that `change_resources` modifies; do not wait for it."""
        template = render(replace(cluster, metadata_url=self.heat.metadata_url()))
        change_resources(template["Resources"])
        self.heat.create(name, template, 10)

    def wait_until_ended(self, name: str, timeout_s: float = STACK_TIMEOUT_S) -> Stack:
        """Wait until the stack is no longer in progress, with requests that are safe on a real Heat."""
        deadline = time.monotonic() + timeout_s
        while (stack := self.heat.stacks(name)[0]).in_progress:
            assert time.monotonic() < deadline, f"{name} is still {stack.status}"
            time.sleep(0.3)
        return stack

    def find_guest(self, node: str, timeout_s: float = 60) -> str:
        """Return the id of a node's guest as soon as it runs. Pass `STACK-NODE` if there are several stacks."""
        deadline = time.monotonic() + timeout_s
        while True:
            for guest, server in list(self.server.cloud.compute.servers.items()):
                if f"-{node}-" in f"-{server.name}" and self.hypervisor.is_running(guest):
                    return guest
            assert time.monotonic() < deadline, f"no guest for {node}"
            time.sleep(0.1)

    def execute(self, guest: str, *statements: str) -> list[dict[str, str]]:
        """Execute statements on the guest's database server, and return the rows of the last one."""
        answer = self.hypervisor.run_command(guest, [sys.executable, "-c", QUERY_PROGRAM, *statements])
        assert answer.returncode == 0, answer
        rows: list[dict[str, str]] = json.loads(answer.stdout)
        return rows

    def query_value(self, guest: str, expression: str) -> str:
        return self.execute(guest, f"SELECT {expression} AS value")[0]["value"]

    def purge_logs(self, guest: str) -> None:
        """Purge the guest's binary logs but the newest: nobody can replay them any more.

        A server keeps a log for a moment after it has begun another one, and until all replicas have read it.
        """
        purge = ("FLUSH BINARY LOGS", "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY", "SHOW BINARY LOGS")
        wait_until(lambda: not self.execute(guest, *purge)[0]["Log_name"].endswith(".000001"))

    def find_socket(self, guest: str) -> str:
        """Return a path outside the guest to its database socket: its init process gives access to its /run."""
        init = find_init(build_link_names(self.bridge, guest).namespace)
        assert init is not None, f"guest {guest} does not run"
        return f"/proc/{init}/root/run/mysqld/mysqld.sock"

    def read_log(self, guest: str, name: str = "guestagent") -> str:
        if isinstance(self.hypervisor, NamespaceHypervisor):
            return (self.hypervisor.find_folder(guest) / "var" / "log" / f"{name}.log").read_text()
        return self.hypervisor.run_command(guest, ("journalctl", "--no-pager", "--unit", name)).stdout


@contextmanager
def open_guest_cloud(
    subnet: IPv4Network,
    state: Path,
    images: Path,
    network: IPv6Network | None = None,
    hypervisor_type: type[NamespaceHypervisor] = NamespaceHypervisor,
) -> Iterator[GuestCloud]:
    """Run a cloud with real guests on this subnet, which also names its bridge, or on an IPv6 network instead."""
    guest_network = subnet if network is None else network
    gateway = str(guest_network[1])
    bridge = f"gac{str(subnet).split('.')[2]}"
    hypervisor = hypervisor_type(state, bridge, gateway, guest_network.prefixlen, images=images)
    with (
        serving(hypervisor, CloudSettings(host=gateway, network=guest_network)) as server,
        openstack.connect(**server.connect) as connection,
    ):
        yield GuestCloud(server, hypervisor, bridge, connection)


@contextmanager
def open_container_cloud(subnet: IPv4Network, state: Path, tree: ImageTree) -> Iterator[GuestCloud]:
    """Run a cloud on this subnet whose guests are containers of an image's tree."""
    gateway = str(subnet[1])
    bridge = f"gac{str(subnet).split('.')[2]}"
    hypervisor = ContainerHypervisor(state, bridge, gateway, subnet.prefixlen, tree)
    with (
        serving(hypervisor, CloudSettings(host=gateway, network=subnet)) as server,
        openstack.connect(**server.connect) as connection,
    ):
        yield GuestCloud(server, hypervisor, bridge, connection)
