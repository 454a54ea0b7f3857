"""The servers: a little Nova whose machines are the hypervisor's guests."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from guestagent.embedded.heat.resources.stack import generate_id, get_utc_time
from guestagent.embedded.host.ip_network import IpNetwork
from guestagent.embedded.http.errors import EntityNotFound, ResourceFailure
from guestagent.embedded.openstack.neutron.network import NeutronNetwork
from guestagent.embedded.openstack.nova.hypervisor import Guest, Hypervisor
from guestagent.errors import GuestAgentError

NO_HOST_MESSAGE = "No valid host was found."


def build_fixed_id(*words: str) -> str:
    """The same id for the same words, in every cloud."""
    return str(uuid.uuid5(uuid.UUID(int=0), " ".join(words)))


@dataclass(frozen=True, slots=True)
class Flavor:
    name: str
    vcpus: int
    memory_mb: int

    @property
    def id(self) -> str:
        return build_fixed_id("flavor", self.name)


@dataclass(frozen=True, slots=True)
class Image:
    name: str

    @property
    def id(self) -> str:
        return build_fixed_id("image", self.name)


FlavorOrImage = TypeVar("FlavorOrImage", Flavor, Image)

BROKEN_FLAVOR, STUCK_FLAVOR = "broken", "stuck"
FLAVORS = (
    Flavor("m1.tiny", 1, 128),
    Flavor("m1.small", 1, 256),
    Flavor("m1.medium", 2, 512),
    Flavor("m1.large", 4, 1024),
    Flavor(BROKEN_FLAVOR, 1, 128),  # its servers go to ERROR
    Flavor(STUCK_FLAVOR, 1, 128),  # its servers stay in BUILD
)
IMAGES = (Image("guestagent-mariadb"), Image("guestagent-mariadb-11.8"), Image("guestagent-mysql"))
NETWORK_ID, SUBNET_ID = build_fixed_id("network"), build_fixed_id("subnet")
NETWORK_NAME, SUBNET_NAME = "embedded", "embedded-subnet"


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
            "Image": lambda: find_by_name(IMAGES, name) is not None,
            "Flavor": lambda: find_by_name(FLAVORS, name) is not None,
            "Key": lambda: name in self.public_keys,
            "Network": lambda: name in (NETWORK_ID, NETWORK_NAME),
            "Subnet": lambda: name in (SUBNET_ID, SUBNET_NAME),
        }
        return "" if there[what]() else f"The {what} ({name}) could not be found."

    async def create(
        self, name: str, flavor: str, image: str, user_data: bytes, key_name: str | None, port: str = ""
    ) -> str:
        """A new server, booting in the background; at this port's address, else at one of its own."""
        wanted, booted = find_by_name(FLAVORS, flavor), find_by_name(IMAGES, image)
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
        server, wanted = self.get_server(server_id), find_by_name(FLAVORS, flavor)
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


def find_by_name(things: Iterable[FlavorOrImage], name: str) -> FlavorOrImage | None:
    """The flavor or image of that name or id."""
    return next((thing for thing in things if name in (thing.name, thing.id)), None)
