"""The servers: a little Nova whose machines are the hypervisor's guests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.host.ip_network import IpNetwork
from guestagent.embedded.http.errors import EntityNotFound, ResourceFailure
from guestagent.embedded.openstack.glance.images import Image, find_image
from guestagent.embedded.openstack.neutron.network import (
    NETWORK_ID,
    NETWORK_NAME,
    SUBNET_ID,
    SUBNET_NAME,
    NeutronNetwork,
)
from guestagent.embedded.openstack.nova.flavors import BROKEN_FLAVOR, STUCK_FLAVOR, Flavor, find_flavor
from guestagent.embedded.openstack.nova.hypervisor import Guest, Hypervisor
from guestagent.errors import GuestAgentError

NO_HOST_MESSAGE = "No valid host was found."


@dataclass(slots=True, eq=False)
class ComputeServer:
    """One server. `fault` tells why it is in ERROR."""

    name: str
    flavor: Flavor
    image: Image
    address: str
    user_data: bytes = field(repr=False)
    key_name: str | None = None
    id: str = field(default_factory=generate_id)
    metadata: dict[str, str] = field(default_factory=dict)
    status: str = "BUILD"
    fault: str = ""
    created: datetime = field(default_factory=get_utc_time)
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Compute:
    """Every server of the cloud. The hypervisor's calls block, so they run on the executor's threads."""

    def __init__(self, hypervisor: Hypervisor, network: IpNetwork, executor: Executor) -> None:
        self.networking = NeutronNetwork(network)
        self.servers: dict[str, ComputeServer] = {}
        self.public_keys: dict[str, str] = {}  # name → public key
        self._hypervisor, self._executor = hypervisor, executor
        self._kept: set[asyncio.Task[None]] = set()

    @property
    def network(self) -> IpNetwork:
        return self.networking.network

    @property
    def gateway(self) -> str:
        return self.networking.gateway

    def get_server(self, server_id: str) -> ComputeServer:
        if server_id not in self.servers:
            raise EntityNotFound(f"Instance {server_id} could not be found.")
        return self.servers[server_id]

    def check_constraint(self, what: str, name: str) -> str:
        """What is wrong with the name of an Image, Flavor, Key or Subnet; nothing where it is there."""
        there: Mapping[str, Callable[[], bool]] = {
            "Image": lambda: find_image(name) is not None,
            "Flavor": lambda: find_flavor(name) is not None,
            "Key": lambda: name in self.public_keys,
            "Network": lambda: name in (NETWORK_ID, NETWORK_NAME),
            "Subnet": lambda: name in (SUBNET_ID, SUBNET_NAME),
        }
        return "" if there[what]() else f"The {what} ({name}) could not be found."

    async def create(
        self, name: str, flavor: str, image: str, user_data: bytes, key_name: str | None, port: str = ""
    ) -> str:
        """A new server, booting in the background; at this port's address, else at one of its own."""
        wanted, booted = find_flavor(flavor), find_image(image)
        if wanted is None or booted is None:
            raise ResourceFailure(
                "EntityNotFound",
                self.check_constraint("Flavor", flavor) or self.check_constraint("Image", image),
            )
        its = self.networking.find_port(port) if port else self.networking.add_port(ours=True)
        server = ComputeServer(name, wanted, booted, its.address, user_data, key_name)
        its.server_id = server.id
        self.servers[server.id] = server
        server.task = asyncio.create_task(self._boot(server))
        return server.id

    async def wait_until_active(self, server_id: str) -> None:
        """Returns when the server is ACTIVE; never where it stays in BUILD."""
        server = self.get_server(server_id)
        if server.task is not None:
            await asyncio.shield(server.task)
        if server.status == "ERROR":
            raise ResourceFailure(
                "ResourceInError", f'Went to status ERROR due to "Message: {server.fault}, Code: 500"'
            )
        if server.status == "BUILD":
            await asyncio.Event().wait()

    async def resize(self, server_id: str, flavor: str) -> None:
        """Another flavor, and the restart that comes with it."""
        server, wanted = self.get_server(server_id), find_flavor(flavor)
        assert wanted is not None, "the engine has looked"
        if wanted.name == BROKEN_FLAVOR:
            raise ResourceFailure("Error", f"Resizing to '{wanted.name}' failed, status 'ERROR'")
        server.flavor = wanted
        await self.reboot(server_id)

    def start_resize(self, server_id: str, flavor: Flavor) -> None:
        """As Nova does it: the server runs with its new flavor, and waits in VERIFY_RESIZE for a word."""
        server = self.get_server(server_id)
        if flavor.name == BROKEN_FLAVOR:
            server.status, server.fault = "ERROR", NO_HOST_MESSAGE
            return
        server.flavor, server.status = flavor, "RESIZE"
        self._keep(self._after(server, lambda: self._hypervisor.reboot(server.id), then="VERIFY_RESIZE"))

    async def reboot(self, server_id: str) -> None:
        """A clean restart on the same disk; returns when the server's init runs again."""
        server = self.get_server(server_id)
        server.status = "REBOOT"
        await self._after(server, lambda: self._hypervisor.reboot(server.id))

    def start_reboot(self, server_id: str) -> None:
        """As reboot, without waiting for its end."""
        self._keep(self.reboot(server_id))

    def start_delete(self, server_id: str) -> None:
        """As remove, without waiting for its end."""
        self._keep(self.delete(server_id))

    async def delete(self, server_id: str) -> None:
        """Destroy a server; fine where it is gone already."""
        server = self.servers.get(server_id)
        if server is None:
            return
        server.status = "DELETING"
        if server.task is not None:
            await asyncio.wait([server.task])
        await self._blocking(lambda: self._hypervisor.destroy(server.id))
        self.networking.release_ports(server_id)
        self.servers.pop(server_id, None)

    def get_address(self, server_id: str) -> str:
        """Its address; what Heat says where the server is gone."""
        server = self.servers.get(server_id)
        return "0.0.0.0" if server is None else server.address  # noqa: S104 - nobody listens there

    async def wait_for_tasks(self) -> None:
        """Wait for every boot that is under way: a thread cannot be stopped."""
        tasks = [*self._kept, *(server.task for server in self.servers.values() if server.task is not None)]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _boot(self, server: ComputeServer) -> None:
        if server.flavor.name == STUCK_FLAVOR:
            return
        if server.flavor.name == BROKEN_FLAVOR:
            server.status, server.fault = "ERROR", NO_HOST_MESSAGE
            return
        guest = Guest(
            id=server.id,
            name=server.name,
            address=server.address,
            prefix=self.network.prefixlen,
            gateway=self.gateway,
            flavor=server.flavor.name,
            vcpus=server.flavor.vcpus,
            memory_mb=server.flavor.memory_mb,
            image=server.image.name,
            user_data=server.user_data,
        )
        await self._doing(server, lambda: self._hypervisor.boot(guest))

    async def _after(self, server: ComputeServer, action: Callable[[], None], then: str = "ACTIVE") -> None:
        """Do it when what is under way with this server has ended."""
        if server.task is not None:
            await asyncio.wait([server.task])
        server.task = asyncio.create_task(self._doing(server, action, then))
        await asyncio.shield(server.task)

    async def _doing(self, server: ComputeServer, action: Callable[[], None], then: str = "ACTIVE") -> None:
        try:
            await self._blocking(action)
        except GuestAgentError as error:
            server.status, server.fault = "ERROR", str(error)
        else:
            if server.status != "DELETING":
                server.status = then

    async def _blocking(self, action: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, action)

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
