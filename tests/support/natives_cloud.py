"""An embedded cloud with real guests, and the service of the resource manager over it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection

from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import Order
from guestagent.resources.service.assembly import open_local_manager, open_service
from guestagent.resources.service.settings import GuestSettings, ManagerSettings
from guestagent.secret import Secret
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import find_free_port
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.orders import build_order

ORDER_TIMEOUT_S = 300.0
SETTLE_S = 2.0
"""Nothing arrives late here: there is no proxy, and the cloud has one database."""
LOG_LINES = 25
LOGS = ("guestagent", "os-collect-config", "cloud-init-output", "mariadb", "mysql", "guestagent-seed")


@dataclass
class NativesCloud:
    """The cloud, and the manager of its clusters."""

    guests: GuestCloud
    manager: OrderIntake
    project: OpenStackProject

    def submit(self, order_type: type[Order], **values: Any) -> Operation:
        return self.manager.submit(build_order(order_type, **values))

    def carry_out(self, order_type: type[Order], **values: Any) -> Operation:
        """Give an order, and return its operation when it is done."""
        operation = self.await_end(self.submit(order_type, **values))
        assert operation.state is OperationState.DONE, f"{operation}\n{self.collect_evidence()}"
        return operation

    def await_end(self, operation: Operation) -> Operation:
        deadline = time.monotonic() + ORDER_TIMEOUT_S
        while not operation.state.is_final:
            assert time.monotonic() < deadline, f"{operation}\n{self.collect_evidence()}"
            operation = self.manager.wait(operation.id, operation.sequence, 5)
        return operation

    def observe(self) -> CloudObservation:
        return self.project.observe()

    def collect_evidence(self) -> str:
        """Return the newest lines of all guests' logs."""
        parts = []
        for guest in self.guests.hypervisor.list_guests():
            for name in LOGS:
                path = self.guests.hypervisor.find_folder(guest) / "var/log" / f"{name}.log"
                lines = path.read_text(errors="replace").splitlines() if path.exists() else []
                parts += [f"--- {name} of {guest}", *lines[-LOG_LINES:]]
        return "\n".join(parts)


@contextmanager
def open_natives_cloud(
    folder: Path, subnet: IPv4Network, images: Path, engine: str = "natives"
) -> Iterator[NativesCloud]:
    """Run a cloud and a service. The guests reach the service by HTTPS, and know its CA from their user data."""
    settings = build_manager_settings(folder, subnet, engine)
    with (
        open_guest_cloud(subnet, folder / "state", images) as guests,
        serve_guests(guests, settings) as opened,
    ):
        yield opened


def build_manager_settings(folder: Path, subnet: IPv4Network, engine: str) -> ManagerSettings:
    """Return the settings of a service whose store, keys and certificates are in the folder."""
    (folder / "keys").mkdir()
    gateway, port = str(subnet[1]), find_free_port()
    authority = CertificateAuthority(folder, (gateway,))
    certificate = authority.valid
    server = EndpointSettings(gateway, port, certificate.certificate, certificate.key)
    return ManagerSettings(
        engine=engine,
        workers=2,
        settle_s=SETTLE_S,
        store=Secret(f"sqlite:///{folder}/store/orders.db"),
        cloud=None,
        guests=GuestSettings(
            public_url=f"https://{gateway}:{port}",
            server=server,
            authority=certificate.ca,
            key_file=folder / "keys/ring.json",
        ),
        broker=None,
        metrics=None,
        where=str(folder / "resources.conf"),
    )


@contextmanager
def serve_guests(
    guests: GuestCloud, settings: ManagerSettings, abandoned: Collection[str] = ()
) -> Iterator[NativesCloud]:
    """Run a service for a cloud. Another one with the same store may follow it."""

    def open_cloud(_: str | None) -> Connection:
        return openstack.connect(**guests.server.connect)

    with (
        open_service(settings, abandoned, open_cloud) as service,
        open_local_manager(settings, open_cloud) as manager,
    ):
        service.open()
        try:
            yield NativesCloud(guests, manager, OpenStackProject(guests.operator))
        finally:
            service.close()
