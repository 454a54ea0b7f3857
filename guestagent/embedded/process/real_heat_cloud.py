"""A cloud with a real Keystone and a real Heat, which stand behind proxies, and the embedded services beside them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from guestagent.embedded.heat.api.admin import AdminApi
from guestagent.embedded.heat.unsafe_reads import UnsafeReads
from guestagent.embedded.http.endpoints import PUBLIC_PATHS, ServiceEndpoints, build_application
from guestagent.embedded.http.faults import Fault
from guestagent.embedded.http.ports import list_free_ports
from guestagent.embedded.http.request_ids import RequestIdMiddleware
from guestagent.embedded.http.service_names import PortName
from guestagent.embedded.openstack.cinder.api import BlockStorageApi
from guestagent.embedded.openstack.glance.api import ImageApi
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME
from guestagent.embedded.openstack.neutron.api import NetworkApi
from guestagent.embedded.openstack.nova.api import ComputeApi, build_compute_error
from guestagent.embedded.openstack.nova.hypervisor import Hypervisor
from guestagent.embedded.openstack.nova.microversions import MicroversionMiddleware
from guestagent.embedded.openstack.nova.servers import Compute
from guestagent.embedded.openstack.paging.paging_middleware import PagingMiddleware
from guestagent.embedded.process import clouds_yaml
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.embedded.real_heat import run_folder
from guestagent.embedded.real_heat.daemon_config import HEAT_USER, SERVICE_PROJECT
from guestagent.embedded.real_heat.keystone_client import KeystoneClient, populate_keystone
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.embedded.real_heat.paths import ServiceAddresses
from guestagent.embedded.real_heat.reverse_proxy import LOOPBACK, ProxyRequest, ReverseProxy
from guestagent.embedded.real_heat.service_daemons import (
    build_database_daemon,
    build_heat_daemon,
    build_keystone_daemon,
    is_database_answering,
)
from guestagent.embedded.real_heat.setup import RealHeatSetup
from guestagent.embedded.real_heat.stack_list import fetch_endangered_stacks, fetch_stacks
from guestagent.embedded.real_heat.supervision import START_TIMEOUT_S, DaemonSupervisor
from guestagent.embedded.real_heat.token_middleware import KeystoneTokenMiddleware
from guestagent.embedded.real_heat.unsafe_requests import find_unsafe_request
from guestagent.secret import Secret

HEAT_SERVICES: tuple[PortName, ...] = ("keystone", "heat", "cfn")
ADMIN_USER, ADMIN_PROJECT = "admin", "admin"  # `keystone-manage bootstrap` creates them


class RealHeatCloud:
    """In the running event loop, whose thread must stay as long as the daemons: they end with it."""

    def __init__(self, hypervisor: Hypervisor, settings: CloudSettings, setup: RealHeatSetup) -> None:
        self.settings, self._setup = settings, setup
        self.unsafe_reads = UnsafeReads()
        self._endpoints = ServiceEndpoints(settings.host, settings.uses_default_ports)
        self._guest_threads = ThreadPoolExecutor(8, "guests")
        self._request_threads = ThreadPoolExecutor(64, "requests")
        self.compute = Compute(hypervisor, settings.network, self._guest_threads)
        self._addresses = _choose_addresses(self._endpoints)
        self._heat = ReverseProxy(self._addresses.heat_port, self._request_threads, self._record_unsafe_read)
        self._passwords = HeatPasswords.generate()
        self._supervisor = DaemonSupervisor(setup.process_file)
        self._project_id = ""

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The services by their type; in the catalog Heat's names the project of the token's user."""
        return self._endpoints.build_catalog(self._project_id or "%(project_id)s")

    @property
    def password(self) -> Secret:
        return self._passwords.person

    @property
    def cfn_url(self) -> str:
        return self._addresses.cfn

    @property
    def connect(self) -> dict[str, Any]:
        """The arguments of `openstack.connect(**...)`, or a clouds.yaml entry. Holds the password."""
        auth_url, password = self.endpoints["identity"], self.password.reveal()
        return clouds_yaml.build_entry(auth_url, USER_NAME, password, PROJECT_NAME, REGION_NAME)

    @property
    def daemon_pids(self) -> Mapping[str, int]:
        """The process of each daemon by its name: mariadb, keystone, heat."""
        return self._supervisor.pids

    async def start(self) -> None:
        """Return when every service answers. An error leaves nothing running."""
        try:
            await self._start(time.monotonic() + START_TIMEOUT_S)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every service and kill the daemons."""
        await self._endpoints.close()
        self._supervisor.stop()
        await self.compute.wait_for_tasks()
        self._guest_threads.shutdown()
        self._request_threads.shutdown()

    async def start_fault(self, fault: Fault) -> None:
        """Start an outage, which ends by itself, in the proxy before a service. Heat itself sees it too."""
        await self._endpoints.start_fault(fault)

    async def clear_faults(self) -> None:
        """End every outage of the proxies."""
        await self._endpoints.clear_faults()

    async def kill_engine(self) -> None:
        """Kill Heat, engine and APIs: one process, which is restarted like one that ended by itself."""
        os.kill(self.daemon_pids["heat"], signal.SIGKILL)

    async def _start(self, deadline: float) -> None:
        self._passwords = await asyncio.to_thread(self._prepare_run_folder)
        await self._start_database(deadline)
        paths, release, account = self._setup.paths, self._setup.release, self._setup.account
        keystone = build_keystone_daemon(paths, release, self._addresses, account)
        heat = build_heat_daemon(paths, release, self._addresses, account)
        self._supervisor.start(keystone)
        self._supervisor.start(heat)
        keystone_proxy = ReverseProxy(self._addresses.keystone_port, self._request_threads)
        await self._endpoints.open("keystone", keystone_proxy)
        await self._supervisor.wait_until_ready(keystone, keystone_proxy.is_answering, deadline)
        await asyncio.to_thread(self._populate_keystone)
        await self._endpoints.open("nova", self._build_embedded_services())
        cfn_proxy = ReverseProxy(self._addresses.cfn_port, self._request_threads)
        await self._supervisor.wait_until_ready(heat, self._heat.is_answering, deadline)
        await self._endpoints.open("heat", self._heat)
        await self._supervisor.wait_until_ready(heat, cfn_proxy.is_answering, deadline)
        await self._endpoints.open("cfn", cfn_proxy)
        self._supervisor.watch()

    async def _start_database(self, deadline: float) -> None:
        async def is_answering() -> bool:
            return is_database_answering(self._setup.paths)

        database = build_database_daemon(self._setup.paths, self._setup.account)
        self._supervisor.start(database)
        await self._supervisor.wait_until_ready(database, is_answering, deadline)

    def _prepare_run_folder(self) -> HeatPasswords:
        setup, auth_ttl = self._setup, self.settings.auth_ttl
        passwords = run_folder.copy_template(setup.paths, setup.empty_databases)
        run_folder.write_config(
            setup.paths, self._addresses, passwords, auth_ttl, setup.release, setup.account
        )
        return passwords

    def _populate_keystone(self) -> None:
        admin = self._open_keystone(ADMIN_USER, self._passwords.admin, ADMIN_PROJECT)
        self._project_id = populate_keystone(admin, self._passwords, self.endpoints)

    def _open_keystone(self, username: str, password: Secret, project: str) -> KeystoneClient:
        url = f"http://{LOOPBACK}:{self._addresses.keystone_port}/v3"
        return KeystoneClient(url, username, password, project)

    def _build_embedded_services(self) -> KeystoneTokenMiddleware:
        """Build the embedded services for everyone whom Keystone knows: Heat comes with its user's token."""
        routes = [
            *ComputeApi(self.compute).build_routes(),
            *ImageApi().build_routes(),
            *NetworkApi(self.compute.networking).build_routes(),
            *BlockStorageApi(self.compute.storage, self.compute.has_server).build_routes(),
            *AdminApi(self._list_stacks, self.compute, self.unsafe_reads, self).build_routes(),
        ]
        self._user_keystone = self._open_keystone(USER_NAME, self._passwords.person, PROJECT_NAME)
        service_keystone = self._open_keystone(HEAT_USER, self._passwords.heat, SERVICE_PROJECT)
        paged = PagingMiddleware(build_application(routes, build_compute_error), self.settings.page_limit)
        application = RequestIdMiddleware(MicroversionMiddleware(paged))
        return KeystoneTokenMiddleware(application, service_keystone, self._request_threads, PUBLIC_PATHS)

    async def _record_unsafe_read(self, request: ProxyRequest) -> None:
        """Record a read that endangers its stack, if that is in progress."""
        read = find_unsafe_request(request.method, request.target)
        if read is None:
            return
        for stack in await fetch_endangered_stacks(self._heat, request, read):
            name, status = stack["stack_name"], stack["stack_status"]
            self.unsafe_reads.record_status_read(name, status, read.description)

    async def _list_stacks(self) -> list[Mapping[str, str]]:
        token = await asyncio.to_thread(self._user_keystone.issue_token)
        headers = [(b"host", b"localhost"), (b"x-auth-token", token.encode())]
        return [
            {
                "name": stack["stack_name"],
                "status": stack["stack_status"],
                "reason": str(stack.get("stack_status_reason") or ""),
            }
            for stack in await fetch_stacks(self._heat, self._project_id, headers)
        ]


def _choose_addresses(endpoints: ServiceEndpoints) -> ServiceAddresses:
    keystone, heat, cfn = (endpoints.get_url(service) for service in HEAT_SERVICES)
    keystone_port, heat_port, cfn_port = list_free_ports(LOOPBACK, len(HEAT_SERVICES))
    return ServiceAddresses(keystone, heat, cfn, keystone_port, heat_port, cfn_port)
