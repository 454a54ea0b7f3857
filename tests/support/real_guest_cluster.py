"""A resource manager over real services whose servers are real guests: databases on volumes, collector and agent."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection

from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import Order
from guestagent.resources.service.assembly import open_local_manager, open_service
from tests.support.guest_cloud import QUERY_PROGRAM
from tests.support.natives_cloud import LOG_LINES, LOGS, build_manager_settings
from tests.support.orders import build_order
from tests.support.real_cloud import RealCloudWithGuests

ORDER_TIMEOUT_S = 600.0


@dataclass
class RealGuestCluster:
    """The manager of a cluster, and the guests of its instances."""

    manager: OrderIntake
    connection: Connection
    guests: NamespaceHypervisor

    def carry_out(self, order_type: type[Order], **values: Any) -> None:
        """Give an order, and return when it is done."""
        operation = self.manager.submit(build_order(order_type, **values))
        deadline = time.monotonic() + ORDER_TIMEOUT_S
        while not operation.state.is_final and time.monotonic() < deadline:
            operation = self.manager.wait(operation.id, operation.sequence, 5)
        assert operation.state is OperationState.DONE, f"{operation}\n{self.collect_evidence()}"

    def find_guest(self, instance: str) -> str:
        """Return the id of an instance's server, which is that of its guest."""
        found = next(each for each in self.manager.instances("shop") if each.name == instance)
        assert found.server_id is not None
        return found.server_id

    def execute(self, instance: str, *statements: str) -> list[dict[str, str]]:
        """Execute statements on the database of an instance, and return the rows of the last one."""
        argv = [sys.executable, "-c", QUERY_PROGRAM, *statements]
        answer = self.guests.run_command(self.find_guest(instance), argv)
        assert answer.returncode == 0, answer
        rows: list[dict[str, str]] = json.loads(answer.stdout)
        return rows

    def measure(self, instance: str) -> int:
        """Return the bytes of the file system of the data directory."""
        argv = ("stat", "--file-system", "--format=%b %S", "/var/lib/mysql")
        blocks, size = self.guests.run_command(self.find_guest(instance), argv).stdout.split()
        return int(blocks) * int(size)

    def collect_evidence(self) -> str:
        """Return the newest lines of all guests' logs."""
        parts = []
        for guest in self.guests.list_guests():
            for name in LOGS:
                path = self.guests.find_folder(guest) / "var/log" / f"{name}.log"
                lines = path.read_text(errors="replace").splitlines() if path.exists() else []
                parts += [f"--- {name} of {guest}", *lines[-LOG_LINES:]]
        return "\n".join(parts)


@contextmanager
def open_guest_cluster(
    opened: RealCloudWithGuests, login: Mapping[str, Any], folder: Path, engine: str
) -> Iterator[RealGuestCluster]:
    """Run a service of an engine in a project of a cloud, whose new servers are guests with databases."""
    settings = build_manager_settings(folder, opened.subnet, engine)

    def open_cloud(_: str | None) -> Connection:
        return openstack.connect(**login)

    with (
        opened.switch.use_second(),
        open_service(settings, (), open_cloud) as service,
        open_local_manager(settings, open_cloud) as manager,
        openstack.connect(**login) as connection,
    ):
        service.open()
        try:
            yield RealGuestCluster(manager, connection, opened.namespaces)
        finally:
            service.close()
