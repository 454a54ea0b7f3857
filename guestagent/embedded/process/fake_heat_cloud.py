"""A cloud with the fake Heat: engine, servers and services, each service behind its own port."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from guestagent.embedded.heat.api.admin import AdminApi
from guestagent.embedded.heat.api.cloudformation import CloudFormationApi
from guestagent.embedded.heat.api.error_response import build_heat_error
from guestagent.embedded.heat.api.orchestration import OrchestrationApi
from guestagent.embedded.heat.engine import Engine
from guestagent.embedded.heat.unsafe_reads import UnsafeReads
from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.http.endpoints import PUBLIC_PATHS, ServiceEndpoints, build_application
from guestagent.embedded.http.faults import Fault
from guestagent.embedded.http.request_ids import RequestIdMiddleware
from guestagent.embedded.http.service_names import PortName
from guestagent.embedded.openstack.cinder.api import BlockStorageApi
from guestagent.embedded.openstack.glance.api import ImageApi
from guestagent.embedded.openstack.keystone.api import Caller, IdentityApi
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME
from guestagent.embedded.openstack.keystone.ec2_credentials import Ec2CredentialStore
from guestagent.embedded.openstack.keystone.stack_users import StackUser, StackUserStore
from guestagent.embedded.openstack.keystone.token_middleware import TokenMiddleware
from guestagent.embedded.openstack.neutron.api import NetworkApi
from guestagent.embedded.openstack.nova.api import ComputeApi, build_compute_error
from guestagent.embedded.openstack.nova.hypervisor import Hypervisor
from guestagent.embedded.openstack.nova.microversions import MicroversionMiddleware
from guestagent.embedded.openstack.nova.servers import Compute
from guestagent.embedded.openstack.paging.paging_middleware import PagingMiddleware
from guestagent.embedded.process import clouds_yaml
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.secret import Secret


class FakeHeatCloud:
    """One cloud in the running event loop. It is also the `CloudContext` of resource types."""

    def __init__(self, hypervisor: Hypervisor, settings: CloudSettings) -> None:
        self._executor = ThreadPoolExecutor(8, "guests")
        self.settings, self.auth_ttl = settings, settings.auth_ttl
        self.ec2_credentials, self.stack_users = Ec2CredentialStore(), StackUserStore()
        self.compute = Compute(hypervisor, settings.network, self._executor)
        self.identity = IdentityApi(Secret(secrets.token_urlsafe(18)), self.stack_users)
        self.engine = Engine(self)
        self.unsafe_reads = UnsafeReads()
        self._endpoints = ServiceEndpoints(settings.host, settings.uses_default_ports)
        self.identity.endpoints.update(self._endpoints.build_catalog(self.identity.project_id))

    @property
    def auth_url(self) -> str:
        return self.identity.endpoints["identity"]

    @property
    def heat_url(self) -> str:
        return f"{self._endpoints.get_url('heat')}/v1"

    @property
    def cfn_url(self) -> str:
        return self._endpoints.get_url("cfn")

    @property
    def region(self) -> str:
        return REGION_NAME

    def issue_token(self, user: StackUser) -> str:
        return self.identity.issue_token(Caller(user.project, user)).id

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The services by their type in the catalog."""
        return self.identity.endpoints

    @property
    def password(self) -> Secret:
        return self.identity.password

    def get_utc_time(self) -> datetime:
        return get_utc_time()

    @property
    def connect(self) -> dict[str, Any]:
        """The arguments of `openstack.connect(**...)`, or a clouds.yaml entry. Holds the password."""
        auth_url, password = self.identity.endpoints["identity"], self.identity.password.reveal()
        return clouds_yaml.build_entry(auth_url, USER_NAME, password, PROJECT_NAME, REGION_NAME)

    async def start(self) -> None:
        """Return when every service answers."""
        for service, app in self._build_applications().items():
            await self._endpoints.open(service, app)

    async def stop(self) -> None:
        """Stop the engine and every service. The hypervisor closes the guests."""
        await self.engine.stop()
        await self._endpoints.close()
        await self.compute.wait_for_tasks()
        self._executor.shutdown()

    async def start_fault(self, fault: Fault) -> None:
        """Start an outage, which ends by itself."""
        await self._endpoints.start_fault(fault)

    async def clear_faults(self) -> None:
        """End every outage."""
        await self._endpoints.clear_faults()

    async def kill_engine(self) -> None:
        """Kill Heat's engine, which starts again at once. Stacks in progress stay so: no engine works on them."""
        await self.engine.crash()

    async def _list_stacks(self) -> list[Mapping[str, str]]:
        stacks = self.engine.list_stacks()
        return [{"name": stack.name, "status": stack.state, "reason": stack.reason} for stack in stacks]

    def _build_applications(self) -> dict[PortName, ASGIApp]:
        heat = build_application(
            OrchestrationApi(self.engine, self.unsafe_reads, self.identity).build_routes(), build_heat_error
        )
        nova = build_application(
            [
                *ComputeApi(self.compute).build_routes(),
                *ImageApi().build_routes(),
                *NetworkApi(self.compute.networking).build_routes(),
                *BlockStorageApi(self.compute.storage, self.compute.has_server).build_routes(),
                *AdminApi(self._list_stacks, self.compute, self.unsafe_reads, self).build_routes(),
            ],
            build_compute_error,
        )
        cfn = CloudFormationApi(self.engine, self._endpoints.faults, self.auth_ttl).build_routes()
        return {
            "keystone": Starlette(routes=self.identity.build_routes()),
            "heat": TokenMiddleware(heat, self.identity, self._endpoints.faults),
            "cfn": Starlette(routes=cfn),
            "nova": RequestIdMiddleware(
                TokenMiddleware(
                    MicroversionMiddleware(PagingMiddleware(nova, self.settings.page_limit)),
                    self.identity,
                    self._endpoints.faults,
                    PUBLIC_PATHS,
                )
            ),
        }
