"""A real Keystone, Placement, Glance, Neutron, Cinder, Nova and Heat, with drivers of ours below them."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME
from guestagent.embedded.real_cloud.addresses import SERVICE_PORTS, CloudAddresses
from guestagent.embedded.real_cloud.cloud_guests import CloudGuests
from guestagent.embedded.real_cloud.cloud_network import CloudNetwork
from guestagent.embedded.real_cloud.cloud_requests import CloudRequests
from guestagent.embedded.real_cloud.prepared_databases import copy_template, write_config
from guestagent.embedded.real_cloud.seed import seed_cloud
from guestagent.embedded.real_cloud.service_programs import ServicePrograms
from guestagent.embedded.real_heat.daemons import ServiceDaemon
from guestagent.embedded.real_heat.empty_databases import wait_for_database
from guestagent.embedded.real_heat.keystone_client import KeystoneClient, populate_keystone
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.errors import CloudError, DeadlineExceeded
from guestagent.secret import Secret

ADMIN_USER = ADMIN_PROJECT = "admin"  # Keystone's own set-up creates them
START_TIMEOUT_S = 600.0  # only ends what hangs: on a busy machine Nova alone takes minutes
POLL_INTERVAL_S = 0.05
# Nova asks Placement when it starts. The others ask nobody.
FIRST_SERVICES = ("keystone", "placement", "glance", "neutron", "cinder", "heat")


class RealCloud:
    """One cloud. Its processes end with the thread that calls `start` or `restart`, so that must be one that stays."""

    def __init__(
        self, programs: ServicePrograms, template: Path, subnet: IPv4Network, guests: CloudGuests | None
    ) -> None:
        self._programs, self._template = programs, template
        self._subnet, self._guests = subnet, guests
        bridge = None if guests is None else guests.bridge
        self._network = CloudNetwork(subnet, programs.paths.folder.parent / "network.out", bridge)
        self._addresses = CloudAddresses(self._network.host)
        self._daemons: dict[str, ServiceDaemon] = {}
        self._passwords = HeatPasswords.generate()

    @property
    def auth_url(self) -> str:
        return self.endpoints["identity"]

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The services by their type, as in the catalog. That of Cinder has a place for the project's id."""
        return self._addresses.catalog

    @property
    def connect(self) -> dict[str, Any]:
        """The arguments of `openstack.connect(**...)` for a member of the project. Holds the password."""
        return self._build_entry(USER_NAME, self._passwords.person, PROJECT_NAME)

    @property
    def admin_connect(self) -> dict[str, Any]:
        """The same for the administrator, in a project of his own."""
        return self._build_entry(ADMIN_USER, self._passwords.admin, ADMIN_PROJECT)

    @property
    def pids(self) -> Mapping[str, int]:
        """The process of each service, of the database server and of the network, by name."""
        return {
            "network": self._network.pid,
            **{name: daemon.pid for name, daemon in self._daemons.items()},
        }

    @property
    def nova_release(self) -> int:
        """The number of Nova's release."""
        return self._programs.release.nova

    @property
    def logs(self) -> Path:
        """The folder of the services' logs."""
        return self._programs.paths.logs

    def start(self) -> None:
        """Return when servers can be created. An error leaves nothing running."""
        try:
            self._start(time.monotonic() + START_TIMEOUT_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill all processes: nothing here is to be kept."""
        for daemon in reversed(self._daemons.values()):
            daemon.stop()
        self._network.stop()
        if self._guests is not None:
            self._guests.stop()

    def kill(self, service: str) -> None:
        """Kill the process of a service, which does not come back by itself."""
        self._daemons[service].stop(signal.SIGKILL)

    def restart(self, service: str) -> None:
        """Start a service that was killed, and wait until it takes requests."""
        self._daemons[service].start()
        self._await_services((service,), time.monotonic() + START_TIMEOUT_S)

    def open_requests(self) -> CloudRequests:
        """Return raw requests of a member of the project."""
        return CloudRequests(self.auth_url, USER_NAME, self._passwords.person, PROJECT_NAME)

    def open_admin_requests(self) -> CloudRequests:
        """Return raw requests of the administrator."""
        return CloudRequests(self.auth_url, ADMIN_USER, self._passwords.admin, ADMIN_PROJECT)

    def _start(self, deadline: float) -> None:
        self._passwords = copy_template(self._programs.paths, self._template)
        write_config(self._programs, self._addresses, self._passwords)
        if self._guests is not None:
            self._guests.start(self._programs.paths.hypervisor_socket, self._programs.account)
        self._network.start()
        database = self._daemons["mariadb"] = self._programs.build_database_daemon()
        database.start()
        wait_for_database(database, self._programs.paths)
        for service in FIRST_SERVICES:
            self._start_service(service)
        self._await_services(("keystone",), deadline)
        admin = KeystoneClient(self.auth_url, ADMIN_USER, self._passwords.admin, ADMIN_PROJECT)
        populate_keystone(admin, self._passwords, self.endpoints)
        self._await_services(("placement",), deadline)
        self._start_service("nova")
        self._await_services(SERVICE_PORTS, deadline)
        seed_cloud(self.open_admin_requests(), self.open_requests(), self._subnet)

    def _start_service(self, service: str) -> None:
        daemon = self._programs.build_daemon(service, self._addresses, self._network.enter_command)
        self._daemons[service] = daemon
        daemon.start()

    def _await_services(self, services: Iterable[str], deadline: float) -> None:
        for service in services:
            daemon = self._daemons["heat" if service == "cfn" else service]
            while not self._is_listening(service):
                if daemon.has_ended:
                    raise CloudError(f"{service} has ended: {daemon.read_last_line()}; see {daemon.log}")
                if time.monotonic() > deadline:
                    timeout = f"{START_TIMEOUT_S:.0f} s"
                    raise DeadlineExceeded(f"{service} does not answer in {timeout}; see {daemon.log}")
                time.sleep(POLL_INTERVAL_S)

    def _is_listening(self, service: str) -> bool:
        address = (self._addresses.host, SERVICE_PORTS[service])
        with suppress(OSError), socket.create_connection(address, timeout=1):
            return True
        return False

    def _build_entry(self, username: str, password: Secret, project: str) -> dict[str, Any]:
        return {
            "auth": {
                "auth_url": self.auth_url,
                "username": username,
                "password": password.reveal(),
                "project_name": project,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
            "region_name": REGION_NAME,
        }
