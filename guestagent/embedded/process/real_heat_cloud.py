"""A cloud whose Keystone and Heat are real: its daemons, what stands before them, and our servers beside them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from guestagent.embedded.heat.api.admin import AdminApi
from guestagent.embedded.heat.unsafe_reads import UnsafeReads
from guestagent.embedded.http.endpoints import PUBLIC_PATHS, ServiceEndpoints, build_application
from guestagent.embedded.http.faults import Fault, ServiceName
from guestagent.embedded.http.ports import take_free_port
from guestagent.embedded.openstack.glance.api import ImageApi
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME
from guestagent.embedded.openstack.neutron.api import NetworkApi
from guestagent.embedded.openstack.nova.api import ComputeApi, build_compute_error
from guestagent.embedded.openstack.nova.hypervisor import Hypervisor
from guestagent.embedded.openstack.nova.servers import Compute
from guestagent.embedded.process import clouds_yaml
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.embedded.real_heat import daemons, database_template
from guestagent.embedded.real_heat.daemons import HeatDaemon
from guestagent.embedded.real_heat.keystone_client import KeystoneClient, populate_keystone
from guestagent.embedded.real_heat.paths import HeatPasswords, ServiceAddresses
from guestagent.embedded.real_heat.reverse_proxy import ProxyRequest, ProxyResponse, ReverseProxy
from guestagent.embedded.real_heat.setup import RealHeatSetup
from guestagent.embedded.real_heat.token_middleware import KeystoneTokenMiddleware
from guestagent.embedded.real_heat.unsafe_requests import find_unsafe_request
from guestagent.errors import CloudError, DeadlineExceeded
from guestagent.secret import Secret

log = logging.getLogger(__name__)

START_TIMEOUT_S = 90.0
POLL_INTERVAL_S = 0.05
WATCH_INTERVAL_S = 0.25
SERVICE_UNAVAILABLE = 503


class RealHeatCloud:
    """In the running event loop, whose thread must stay as long as the daemons: they end with it."""

    def __init__(self, hypervisor: Hypervisor, settings: CloudSettings, ground: RealHeatSetup) -> None:
        self.settings, self._ground = settings, ground
        self.unsafe_reads = UnsafeReads()
        self._front = ServiceEndpoints(settings.host, settings.usual_ports)
        self._guests = ThreadPoolExecutor(8, "guests")
        self._requests = ThreadPoolExecutor(64, "requests")
        self.compute = Compute(hypervisor, settings.network, self._guests)
        self._at = _addresses(self._front)
        self._heat = ReverseProxy(self._at.heat_port, self._requests, self._look)
        self._passwords = HeatPasswords.generate()
        self._daemons: list[HeatDaemon] = []
        self._watch: asyncio.Task[None] | None = None
        self._project = ""

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The services by their type; in the catalog Heat's names the project of whoever asks."""
        return self._front.build_catalog(self._project or "%(project_id)s")

    @property
    def password(self) -> Secret:
        return self._passwords.person

    @property
    def cfn_url(self) -> str:
        return self._at.cfn

    @property
    def connect(self) -> dict[str, Any]:
        """What `openstack.connect(**...)` or a clouds.yaml entry needs. Holds the password."""
        auth_url, password = self.endpoints["identity"], self.password.reveal()
        return clouds_yaml.build_entry(auth_url, USER_NAME, password, PROJECT_NAME, REGION_NAME)

    @property
    def daemon_pids(self) -> Mapping[str, int]:
        """The process of each, by its name: mariadb, keystone, heat."""
        return {daemon.name: daemon.pid for daemon in self._daemons}

    async def start(self) -> None:
        """Returns when every service answers; an error leaves nothing running."""
        try:
            await self._start(time.monotonic() + START_TIMEOUT_S)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Killed, all of them: Heat would wait for its conditions, and nothing here is to be kept."""
        if self._watch is not None:
            self._watch.cancel()
        await self._front.close()
        for daemon in reversed(self._daemons):
            daemon.stop()
        await self.compute.wait_for_tasks()
        self._guests.shutdown()
        self._requests.shutdown()

    async def start_fault(self, fault: Fault) -> None:
        """Start an outage, which ends by itself: of what stands before a service, for Heat itself too."""
        await self._front.start_fault(fault)

    async def clear_faults(self) -> None:
        """End every outage of what stands before the services."""
        await self._front.clear_faults()

    async def kill_engine(self) -> None:
        """Kill Heat, engine and APIs: one process, which is started again as one that ended by itself."""
        os.kill(self.daemon_pids["heat"], signal.SIGKILL)

    async def _start(self, until: float) -> None:
        self._passwords = await asyncio.to_thread(self._lay)
        layout, release, account = self._ground.paths, self._ground.release, self._ground.account
        database = database_template.build_database_daemon(layout, account)
        await self._run(database)
        while not database_template.is_answering(layout):
            await self._patience(database, until)
        settings = {"OS_KEYSTONE_CONFIG_FILES": str(layout.settings / "keystone.conf")}
        ours = {**daemons.BARE_ENVIRONMENT, "PYTHONPATH": str(layout.scripts), "PYTHONDONTWRITEBYTECODE": "1"}
        words = release.build_keystone_command(layout, self._at)
        keystone = HeatDaemon("keystone", words, account, layout.logs / "keystone.out", {**ours, **settings})
        heat = HeatDaemon(
            "heat", release.build_heat_command(layout, self._at), account, layout.logs / "heat.out", ours
        )
        await self._run(keystone)
        await self._run(heat)
        asking = ReverseProxy(self._at.keystone_port, self._requests)
        await self._front.open("keystone", asking)
        await self._until_answers(keystone, asking, until)
        await asyncio.to_thread(self._fill)
        await self._front.open("nova", self._ours())
        apis: Mapping[ServiceName, ReverseProxy] = {
            "heat": self._heat,
            "cfn": ReverseProxy(self._at.cfn_port, self._requests),
        }
        for service, forwarder in apis.items():
            await self._until_answers(heat, forwarder, until)
            await self._front.open(service, forwarder)
        self._watch = asyncio.create_task(self._watching())

    def _lay(self) -> HeatPasswords:
        ground = self._ground
        passwords = database_template.copy_template(ground.paths, ground.database_template)
        database_template.write_config(
            ground.paths, self._at, passwords, self.settings.auth_ttl, ground.release, ground.account
        )
        return passwords

    def _fill(self) -> None:
        admin = KeystoneClient(self._keystone_url, "admin", self._passwords.admin, "admin")
        self._project = populate_keystone(admin, self._passwords, self.endpoints)

    @property
    def _keystone_url(self) -> str:
        return f"http://127.0.0.1:{self._at.keystone_port}/v3"

    def _ours(self) -> KeystoneTokenMiddleware:
        """Compute, image and network, for whoever Keystone knows: Heat comes with its user's token."""
        routes = [
            *ComputeApi(self.compute).build_routes(),
            *ImageApi().build_routes(),
            *NetworkApi(self.compute.networking).build_routes(),
            *AdminApi(self._stacks, self.compute, self.unsafe_reads, self).build_routes(),
        ]
        asking = KeystoneClient(self._keystone_url, USER_NAME, self._passwords.person, PROJECT_NAME)
        self._person = asking
        service = KeystoneClient(self._keystone_url, "heat", self._passwords.heat, "service")
        return KeystoneTokenMiddleware(
            build_application(routes, build_compute_error), service, self._requests, PUBLIC_PATHS
        )

    async def _run(self, daemon: HeatDaemon) -> None:
        daemon.start()
        self._daemons.append(daemon)
        daemons.write_process_file(self._ground.process_file, self._daemons)

    async def _watching(self) -> None:
        """A daemon that ended is started again, as a machine's own service manager would."""
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            for daemon in self._daemons:
                if daemon.has_ended:
                    log.warning("%s ended (%s) and is started again", daemon.name, daemon.read_last_line())
                    daemon.start()
                    daemons.write_process_file(self._ground.process_file, self._daemons)

    async def _until_answers(self, daemon: HeatDaemon, forwarder: ReverseProxy, until: float) -> None:
        while (
            await forwarder.forward_request(ProxyRequest("GET", "/", [(b"host", b"localhost")], b""))
        ).status_code == SERVICE_UNAVAILABLE:
            await self._patience(daemon, until)

    async def _patience(self, daemon: HeatDaemon, until: float) -> None:
        if daemon.has_ended:
            raise CloudError(f"{daemon.name} ended at once: {daemon.read_last_line()}; see {daemon.log}")
        if time.monotonic() > until:
            raise DeadlineExceeded(
                f"{daemon.name} does not answer in {START_TIMEOUT_S:.0f} s; see {daemon.log}"
            )
        await asyncio.sleep(POLL_INTERVAL_S)

    async def _look(self, sent: ProxyRequest) -> None:
        """Note a read that endangers its stack: whether that is in progress Heat itself says, in its list."""
        read = find_unsafe_request(sent.method, sent.target)
        if read is None:
            return
        project = sent.target.split("/")[2]
        listed = ProxyRequest("GET", f"/v1/{project}/stacks", sent.headers, b"")
        for stack in _listed(await self._heat.forward_request(listed)):
            if read.stack in (stack["stack_name"], stack["id"]):
                self.unsafe_reads.record_status_read(
                    stack["stack_name"], stack["stack_status"], read.description
                )

    async def _stacks(self) -> list[Mapping[str, str]]:
        token = await asyncio.to_thread(self._person.issue_token)
        headers = [(b"host", b"localhost"), (b"x-auth-token", token.encode())]
        answer = await self._heat.forward_request(
            ProxyRequest("GET", f"/v1/{self._project}/stacks", headers, b"")
        )
        return [
            {
                "name": stack["stack_name"],
                "status": stack["stack_status"],
                "reason": str(stack.get("stack_status_reason") or ""),
            }
            for stack in _listed(answer)
        ]


def _listed(answer: ProxyResponse) -> list[dict[str, str]]:
    return list(json.loads(answer.body)["stacks"]) if answer.status_code == 200 else []


def _addresses(front: ServiceEndpoints) -> ServiceAddresses:
    free = [take_free_port("127.0.0.1") for _ in range(3)]
    ports = [int(each.getsockname()[1]) for each in free]
    for each in free:
        each.close()
    return ServiceAddresses(front.get_url("keystone"), front.get_url("heat"), front.get_url("cfn"), *ports)
