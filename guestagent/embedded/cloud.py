"""The embedded cloud as a whole: engine, servers and services, each service behind its own port."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from guestagent.embedded.compute import Compute
from guestagent.embedded.dangerous import DangerousReads
from guestagent.embedded.faults import Fault, Service
from guestagent.embedded.front import OPEN_PATHS, Front, application
from guestagent.embedded.heat.engine import Engine
from guestagent.embedded.heat.keys import Keys
from guestagent.embedded.heat.stack import now
from guestagent.embedded.heat.users import StackUser, StackUsers
from guestagent.embedded.hypervisor import Hypervisor
from guestagent.embedded.ip_network import IpNetwork
from guestagent.embedded.services.admin import Admin
from guestagent.embedded.services.cloudformation import CloudFormation
from guestagent.embedded.services.compute import ComputeApi, compute_refusal
from guestagent.embedded.services.gate import TokenGate, heat_refusal
from guestagent.embedded.services.identity import PROJECT, REGION, USER, Caller, Identity
from guestagent.embedded.services.image import ImageApi
from guestagent.embedded.services.network import NetworkApi
from guestagent.embedded.services.orchestration import Orchestration
from guestagent.secret import Secret


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a cloud listens and how it behaves. `usual_ports`: OpenStack's own where they are free."""

    host: str = "127.0.0.1"
    network: IpNetwork = field(default_factory=lambda: IPv4Network("10.77.0.0/24"))
    auth_ttl: timedelta = timedelta(minutes=15)
    usual_ports: bool = False


class Cloud:
    """One embedded cloud in the running event loop. Also what resource types see of it (`Surroundings`)."""

    def __init__(self, hypervisor: Hypervisor, settings: Settings) -> None:
        self._executor = ThreadPoolExecutor(8, "guests")
        self.settings, self.auth_ttl = settings, settings.auth_ttl
        self.keys, self.users = Keys(), StackUsers()
        self.servers = Compute(hypervisor, settings.network, self._executor)
        self.identity = Identity(Secret(secrets.token_urlsafe(18)), self.users)
        self.engine = Engine(self)
        self.dangerous = DangerousReads()
        self._front = Front(settings.host, settings.usual_ports)
        self.identity.endpoints.update(self._front.endpoints(self.identity.project_id))

    @property
    def auth_url(self) -> str:
        return self.identity.endpoints["identity"]

    @property
    def heat_url(self) -> str:
        return f"{self._front.url('heat')}/v1"

    @property
    def cfn_url(self) -> str:
        return self._front.url("cfn")

    @property
    def region(self) -> str:
        return REGION

    def token(self, user: StackUser) -> str:
        return self.identity.issue(Caller(user.project, user)).id

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The services by their type in the catalog."""
        return self.identity.endpoints

    @property
    def password(self) -> Secret:
        return self.identity.password

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
        for service, app in self._applications().items():
            await self._front.open(service, app)

    async def stop(self) -> None:
        """Nothing is answered any more, nothing is under way; guests are the hypervisor's to close."""
        await self.engine.stop()
        await self._front.close()
        await self.servers.settled()
        self._executor.shutdown()

    async def begin(self, fault: Fault) -> None:
        """Start an outage, which ends by itself."""
        await self._front.begin(fault)

    async def heal(self) -> None:
        """End every outage."""
        await self._front.heal()

    async def kill_engine(self) -> None:
        """Kill Heat's engine, which starts again at once: stacks in progress stay so, and nobody watches them."""
        await self.engine.die()

    async def _stacks(self) -> list[Mapping[str, str]]:
        living = self.engine.living()
        return [{"name": each.name, "status": each.state, "reason": each.reason} for each in living]

    def _applications(self) -> dict[Service, ASGIApp]:
        heat = application(Orchestration(self.engine, self.dangerous, self.identity).routes(), heat_refusal)
        nova = application(
            [
                *ComputeApi(self.servers).routes(),
                *ImageApi().routes(),
                *NetworkApi(self.servers.networking).routes(),
                *Admin(self._stacks, self.servers, self.dangerous, self).routes(),
            ],
            compute_refusal,
        )
        cfn = CloudFormation(self.engine, self._front.faults, self.auth_ttl).routes()
        return {
            "keystone": Starlette(routes=self.identity.routes()),
            "heat": TokenGate(heat, self.identity, self._front.faults),
            "cfn": Starlette(routes=cfn),
            "nova": TokenGate(nova, self.identity, self._front.faults, OPEN_PATHS),
        }
