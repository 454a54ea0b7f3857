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

from guestagent.embedded.cloud import Settings
from guestagent.embedded.compute import Compute
from guestagent.embedded.dangerous import DangerousReads
from guestagent.embedded.faults import Fault, Service
from guestagent.embedded.front import OPEN_PATHS, Front, application
from guestagent.embedded.hypervisor import Hypervisor
from guestagent.embedded.ports import take_free_port
from guestagent.embedded.realheat import prepared, processes
from guestagent.embedded.realheat.forwarding import Answer, Forwarder, Sent
from guestagent.embedded.realheat.gate import KeystoneGate
from guestagent.embedded.realheat.ground import Ground
from guestagent.embedded.realheat.keystone import Keystone, fill
from guestagent.embedded.realheat.layout import Addresses, Passwords
from guestagent.embedded.realheat.processes import Daemon
from guestagent.embedded.realheat.reads import dangerous
from guestagent.embedded.services.admin import Admin
from guestagent.embedded.services.compute import ComputeApi, compute_refusal
from guestagent.embedded.services.identity import PROJECT, REGION, USER
from guestagent.embedded.services.image import ImageApi
from guestagent.embedded.services.network import NetworkApi
from guestagent.errors import CloudError, DeadlineExceeded
from guestagent.secret import Secret

log = logging.getLogger(__name__)

START_SECONDS = 90.0
LOOK_AGAIN = 0.05
WATCH = 0.25
NO_ANSWER = 503


class RealCloud:
    """In the running event loop, whose thread must stay as long as the daemons: they end with it."""

    def __init__(self, hypervisor: Hypervisor, settings: Settings, ground: Ground) -> None:
        self.settings, self._ground = settings, ground
        self.dangerous = DangerousReads()
        self._front = Front(settings.host, settings.usual_ports)
        self._guests = ThreadPoolExecutor(8, "guests")
        self._requests = ThreadPoolExecutor(64, "requests")
        self.servers = Compute(hypervisor, settings.network, self._guests)
        self._at = _addresses(self._front)
        self._heat = Forwarder(self._at.heat_port, self._requests, self._look)
        self._passwords = Passwords.fresh()
        self._daemons: list[Daemon] = []
        self._watch: asyncio.Task[None] | None = None
        self._project = ""

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The services by their type; in the catalog Heat's names the project of whoever asks."""
        return self._front.endpoints(self._project or "%(project_id)s")

    @property
    def password(self) -> Secret:
        return self._passwords.person

    @property
    def cfn_url(self) -> str:
        return self._at.cfn

    @property
    def connect(self) -> dict[str, Any]:
        """What `openstack.connect(**...)` or a clouds.yaml entry needs. Holds the password."""
        auth = {
            "auth_url": self.endpoints["identity"],
            "username": USER,
            "password": self.password.reveal(),
            "project_name": PROJECT,
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        return {"auth": auth, "region_name": REGION, "identity_api_version": "3"}

    @property
    def daemons(self) -> Mapping[str, int]:
        """The process of each, by its name: mariadb, keystone, heat."""
        return {daemon.name: daemon.pid for daemon in self._daemons}

    async def start(self) -> None:
        """Returns when every service answers; an error leaves nothing running."""
        try:
            await self._start(time.monotonic() + START_SECONDS)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Killed, all of them: Heat would wait for its conditions, and nothing here is to be kept."""
        if self._watch is not None:
            self._watch.cancel()
        await self._front.close()
        for daemon in reversed(self._daemons):
            daemon.end()
        await self.servers.settled()
        self._guests.shutdown()
        self._requests.shutdown()

    async def begin(self, fault: Fault) -> None:
        """Start an outage, which ends by itself: of what stands before a service, for Heat itself too."""
        await self._front.begin(fault)

    async def heal(self) -> None:
        """End every outage of what stands before the services."""
        await self._front.heal()

    async def kill_engine(self) -> None:
        """Kill Heat, engine and APIs: one process, which is started again as one that ended by itself."""
        os.kill(self.daemons["heat"], signal.SIGKILL)

    async def _start(self, until: float) -> None:
        self._passwords = await asyncio.to_thread(self._lay)
        layout, release, account = self._ground.layout, self._ground.release, self._ground.account
        database = prepared.database(layout, account)
        await self._run(database)
        while not prepared.answers(layout):
            await self._patience(database, until)
        settings = {"OS_KEYSTONE_CONFIG_FILES": str(layout.settings / "keystone.conf")}
        ours = {**processes.BARE, "PYTHONPATH": str(layout.code), "PYTHONDONTWRITEBYTECODE": "1"}
        words = release.keystone(layout, self._at)
        keystone = Daemon("keystone", words, account, layout.logs / "keystone.out", {**ours, **settings})
        heat = Daemon("heat", release.heat(layout, self._at), account, layout.logs / "heat.out", ours)
        await self._run(keystone)
        await self._run(heat)
        asking = Forwarder(self._at.keystone_port, self._requests)
        await self._front.open("keystone", asking)
        await self._until_answers(keystone, asking, until)
        await asyncio.to_thread(self._fill)
        await self._front.open("nova", self._ours())
        apis: Mapping[Service, Forwarder] = {
            "heat": self._heat,
            "cfn": Forwarder(self._at.cfn_port, self._requests),
        }
        for service, forwarder in apis.items():
            await self._until_answers(heat, forwarder, until)
            await self._front.open(service, forwarder)
        self._watch = asyncio.create_task(self._watching())

    def _lay(self) -> Passwords:
        ground = self._ground
        passwords = prepared.lay(ground.layout, ground.prepared)
        prepared.configure(
            ground.layout, self._at, passwords, self.settings.auth_ttl, ground.release, ground.account
        )
        return passwords

    def _fill(self) -> None:
        admin = Keystone(self._keystone_url, "admin", self._passwords.admin, "admin")
        self._project = fill(admin, self._passwords, self.endpoints)

    @property
    def _keystone_url(self) -> str:
        return f"http://127.0.0.1:{self._at.keystone_port}/v3"

    def _ours(self) -> KeystoneGate:
        """Compute, image and network, for whoever Keystone knows: Heat comes with its user's token."""
        routes = [
            *ComputeApi(self.servers).routes(),
            *ImageApi().routes(),
            *NetworkApi(self.servers.networking).routes(),
            *Admin(self._stacks, self.servers, self.dangerous, self).routes(),
        ]
        asking = Keystone(self._keystone_url, USER, self._passwords.person, PROJECT)
        self._person = asking
        service = Keystone(self._keystone_url, "heat", self._passwords.heat, "service")
        return KeystoneGate(application(routes, compute_refusal), service, self._requests, OPEN_PATHS)

    async def _run(self, daemon: Daemon) -> None:
        daemon.start()
        self._daemons.append(daemon)
        processes.write_down(self._ground.processes, self._daemons)

    async def _watching(self) -> None:
        """A daemon that ended is started again, as a machine's own service manager would."""
        while True:
            await asyncio.sleep(WATCH)
            for daemon in self._daemons:
                if daemon.ended:
                    log.warning("%s ended (%s) and is started again", daemon.name, daemon.last_words())
                    daemon.start()
                    processes.write_down(self._ground.processes, self._daemons)

    async def _until_answers(self, daemon: Daemon, forwarder: Forwarder, until: float) -> None:
        while (await forwarder.ask(Sent("GET", "/", [(b"host", b"localhost")], b""))).code == NO_ANSWER:
            await self._patience(daemon, until)

    async def _patience(self, daemon: Daemon, until: float) -> None:
        if daemon.ended:
            raise CloudError(f"{daemon.name} ended at once: {daemon.last_words()}; see {daemon.log}")
        if time.monotonic() > until:
            raise DeadlineExceeded(f"{daemon.name} does not answer in {START_SECONDS:.0f} s; see {daemon.log}")
        await asyncio.sleep(LOOK_AGAIN)

    async def _look(self, sent: Sent) -> None:
        """Note a read that endangers its stack: whether that is in progress Heat itself says, in its list."""
        read = dangerous(sent.method, sent.target)
        if read is None:
            return
        project = sent.target.split("/")[2]
        listed = Sent("GET", f"/v1/{project}/stacks", sent.headers, b"")
        for stack in _listed(await self._heat.ask(listed)):
            if read.stack in (stack["stack_name"], stack["id"]):
                self.dangerous.saw(stack["stack_name"], stack["stack_status"], read.what)

    async def _stacks(self) -> list[Mapping[str, str]]:
        token = await asyncio.to_thread(self._person.token)
        headers = [(b"host", b"localhost"), (b"x-auth-token", token.encode())]
        answer = await self._heat.ask(Sent("GET", f"/v1/{self._project}/stacks", headers, b""))
        return [
            {
                "name": stack["stack_name"],
                "status": stack["stack_status"],
                "reason": str(stack.get("stack_status_reason") or ""),
            }
            for stack in _listed(answer)
        ]


def _listed(answer: Answer) -> list[dict[str, str]]:
    return list(json.loads(answer.body)["stacks"]) if answer.code == 200 else []


def _addresses(front: Front) -> Addresses:
    free = [take_free_port("127.0.0.1") for _ in range(3)]
    ports = [int(each.getsockname()[1]) for each in free]
    for each in free:
        each.close()
    return Addresses(front.url("keystone"), front.url("heat"), front.url("cfn"), *ports)
