"""The embedded cloud as a whole: engine, servers and services, each service behind its own port."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guestagent.embedded.compute import Compute
from guestagent.embedded.dangerous import DangerousReads
from guestagent.embedded.faults import SERVICES, Fault, Faults, Faulty, Service
from guestagent.embedded.heat.engine import Engine
from guestagent.embedded.heat.keys import Keys
from guestagent.embedded.heat.stack import now
from guestagent.embedded.hypervisor import Hypervisor
from guestagent.embedded.listener import Listener
from guestagent.embedded.refusals import Refusal
from guestagent.embedded.services.admin import Admin
from guestagent.embedded.services.catalogued import ImageApi, NetworkApi
from guestagent.embedded.services.cloudformation import CloudFormation
from guestagent.embedded.services.compute import ComputeApi, compute_refusal
from guestagent.embedded.services.gate import TokenGate, heat_refusal
from guestagent.embedded.services.identity import PROJECT, REGION, USER, Identity
from guestagent.embedded.services.orchestration import Orchestration
from guestagent.secret import Secret

log = logging.getLogger(__name__)

PORTS: Mapping[Service, int] = {"keystone": 5000, "heat": 8004, "cfn": 8000, "nova": 8774}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a cloud listens and how it behaves. `usual_ports`: OpenStack's own where they are free."""

    host: str = "127.0.0.1"
    network: IPv4Network = field(default_factory=lambda: IPv4Network("10.77.0.0/24"))
    auth_ttl: timedelta = timedelta(minutes=15)
    usual_ports: bool = False


class Cloud:
    """One embedded cloud in the running event loop. Also what resource types see of it (`Surroundings`)."""

    def __init__(self, hypervisor: Hypervisor, settings: Settings) -> None:
        self._executor = ThreadPoolExecutor(8, "guests")
        self.settings, self.auth_ttl = settings, settings.auth_ttl
        self.keys = Keys()
        self.servers = Compute(hypervisor, settings.network, self._executor)
        self.identity = Identity(Secret(secrets.token_urlsafe(18)))
        self.engine = Engine(self)
        self.dangerous, self.faults = DangerousReads(), Faults()
        self.listeners: dict[Service, Listener] = {
            service: Listener(settings.host, (PORTS[service], 0) if settings.usual_ports else (0,))
            for service in SERVICES
        }
        self.identity.endpoints.update(self._endpoints())
        self._recoveries: set[asyncio.Task[None]] = set()
        self._apps = self._applications()

    @property
    def cfn_url(self) -> str:
        return self.listeners["cfn"].url

    def now(self) -> datetime:
        return now()

    @property
    def connect(self) -> dict[str, Any]:
        """What `openstack.connect(**...)` or a clouds.yaml entry needs. Holds the password."""
        auth = {
            "auth_url": self.identity.endpoints["identity"],
            "username": USER,
            "password": self.identity.password.reveal(),
            "project_name": PROJECT,
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        return {"auth": auth, "region_name": REGION, "identity_api_version": "3"}

    async def start(self) -> None:
        """Returns when every service answers."""
        for service, listener in self.listeners.items():
            await listener.open(self._apps[service])

    async def stop(self) -> None:
        """Nothing is answered any more, nothing is under way; guests are the hypervisor's to close."""
        for task in self._recoveries:
            task.cancel()
        await self.engine.stop()
        await asyncio.gather(*(listener.close() for listener in self.listeners.values()))
        await self.servers.settled()
        self._executor.shutdown()

    async def begin(self, fault: Fault) -> None:
        """Start an outage, which ends by itself."""
        self.faults.begin(fault)
        if fault.mode == "refuse":
            await self.listeners[fault.service].close()
            task = asyncio.create_task(self._recover(fault))
            self._recoveries.add(task)
            task.add_done_callback(self._recoveries.discard)

    async def _recover(self, fault: Fault) -> None:
        await asyncio.sleep(max(0.0, fault.until - time.monotonic()))
        await self.listeners[fault.service].open(self._apps[fault.service])

    def _endpoints(self) -> dict[str, str]:
        url = {service: listener.url for service, listener in self.listeners.items()}
        return {
            "identity": f"{url['keystone']}/v3",
            "orchestration": f"{url['heat']}/v1/{self.identity.project_id}",
            "cloudformation": f"{url['cfn']}/v1",
            "compute": f"{url['nova']}/v2.1",
            "image": f"{url['nova']}/image",
            "network": f"{url['nova']}/network",
            "embedded": f"{url['nova']}/embedded",
        }

    def _applications(self) -> dict[Service, ASGIApp]:
        heat = _application(Orchestration(self.engine, self.dangerous).routes(), heat_refusal)
        nova = _application(
            [
                *ComputeApi(self.servers).routes(),
                *ImageApi().routes(),
                *NetworkApi(self.servers).routes(),
                *Admin(self.engine, self.servers, self.dangerous, self.begin).routes(),
            ],
            compute_refusal,
        )
        documents = frozenset({"/", "/v2.1", "/v2.1/", "/image", "/image/", "/network", "/network/"})
        cfn = CloudFormation(self.engine, self.faults, self.auth_ttl).routes()
        bare: dict[Service, ASGIApp] = {
            "keystone": Starlette(routes=self.identity.routes()),
            "heat": TokenGate(heat, self.identity, self.faults),
            "cfn": Starlette(routes=cfn),
            "nova": TokenGate(nova, self.identity, self.faults, documents),
        }
        return {service: Logged(Faulty(app, service, self.faults), service) for service, app in bare.items()}


class Logged:
    """An access log of methods, paths and codes: a query holds signatures, and is left out."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, code = time.monotonic(), 0

        async def told(message: Message) -> None:
            nonlocal code
            code = message.get("status", code)
            await send(message)

        await self._app(scope, receive, told)
        log.info(
            "%s %s %s %d %.0f ms",
            self._service,
            scope.get("method"),
            scope.get("path"),
            code,
            1000 * (time.monotonic() - began),
        )


def _application(routes: list[Route], refusal: Callable[[Request, Exception], Response]) -> Starlette:
    return Starlette(routes=routes, exception_handlers={Refusal: refusal})
