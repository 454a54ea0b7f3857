"""The servers of a minimal Nova, which are the hypervisor's guests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.host.ip_network import IpNetwork
from guestagent.embedded.http.errors import EntityNotFound, ResourceFailure
from guestagent.embedded.openstack.cinder.volumes import BlockStorage
from guestagent.embedded.openstack.glance.images import Image, find_image
from guestagent.embedded.openstack.neutron.network import (
    NETWORK_ID,
    NETWORK_NAME,
    SUBNET_ID,
    SUBNET_NAME,
    NeutronNetwork,
)
from guestagent.embedded.openstack.nova.action_log import ActionLog, ComputeAction
from guestagent.embedded.openstack.nova.flavors import Flavor, find_flavor
from guestagent.embedded.openstack.nova.hypervisor import Guest, GuestSize, Hypervisor
from guestagent.embedded.openstack.nova.metadata_rules import find_metadata_error
from guestagent.embedded.openstack.nova.server_volumes import BootVolume, ServerVolumes
from guestagent.errors import GuestAgentError

NO_HOST_MESSAGE = "No valid host was found."
ATTACH_MESSAGE = (
    "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures."
)
NO_METADATA: Mapping[str, str] = {}
HOSTS = ("compute1", "compute2")
"""A resize moves a server to the other one, as Nova does by default."""


@dataclass(slots=True, eq=False)
class ComputeServer:
    """One server. `fault` is the reason of its status ERROR.

    `former_flavor` is that from before a resize, until it is confirmed.
    """

    name: str
    flavor: Flavor
    image: Image
    address: str
    user_data: bytes = field(repr=False)
    key_name: str | None = None
    id: str = field(default_factory=generate_id)
    metadata: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    status: str = "BUILD"
    task_state: str | None = None
    host: str = HOSTS[0]
    former_flavor: Flavor | None = None
    fault: str = ""
    created: datetime = field(default_factory=get_utc_time)
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Compute:
    """Every server of the cloud. The hypervisor's calls block, so they run on the executor's threads."""

    def __init__(self, hypervisor: Hypervisor, network: IpNetwork, executor: Executor) -> None:
        self.networking = NeutronNetwork(network)
        self.storage, self.actions = BlockStorage(), ActionLog()
        self.volumes = ServerVolumes(self.storage, self.actions)
        self.servers: dict[str, ComputeServer] = {}
        self.public_keys: dict[str, str] = {}  # name → public key
        self.hypervisor, self._executor = hypervisor, executor
        self._background_tasks: set[asyncio.Task[None]] = set()

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

    def has_server(self, server_id: str) -> bool:
        """Return whether there is such a server."""
        return server_id in self.servers

    def check_constraint(self, kind: str, name: str) -> str:
        """Return an error message if there is no Image, Flavor, Key, Network or Subnet of that name, else nothing."""
        checks: Mapping[str, Callable[[], bool]] = {
            "Image": lambda: find_image(name) is not None,
            "Flavor": lambda: find_flavor(name) is not None,
            "Key": lambda: name in self.public_keys,
            "Network": lambda: name in (NETWORK_ID, NETWORK_NAME),
            "Subnet": lambda: name in (SUBNET_ID, SUBNET_NAME),
        }
        return "" if checks[kind]() else f"The {kind} ({name}) could not be found."

    async def create(
        self,
        name: str,
        flavor: str,
        image: str,
        user_data: bytes,
        key_name: str | None,
        port: str = "",
        *,
        metadata: Mapping[str, str] = NO_METADATA,
        tags: Sequence[str] = (),
        volumes: Sequence[BootVolume] = (),
    ) -> str:
        """Create a server that boots in the background, at this port's address or at one of its own.

        Its volumes are reserved before this returns: a second server with one of them is refused.
        """
        new_flavor, boot_image = find_flavor(flavor), find_image(image)
        if new_flavor is None or boot_image is None:
            raise ResourceFailure(
                "EntityNotFound",
                self.check_constraint("Flavor", flavor) or self.check_constraint("Image", image),
            )
        if metadata_error := find_metadata_error(metadata):
            raise ResourceFailure("BadRequest", metadata_error)
        server_id = generate_id()
        self.volumes.reserve(server_id, volumes)
        server_port = (
            self.networking.find_port(port) if port else self.networking.add_port(is_server_owned=True)
        )
        server = ComputeServer(
            name,
            new_flavor,
            boot_image,
            server_port.address,
            user_data,
            key_name,
            id=server_id,
            metadata=dict(metadata),
            tags=tuple(tags),
        )
        server_port.server_id = server.id
        self.servers[server.id] = server
        if new_flavor.is_rigid:
            self.volumes.rigid_servers.add(server.id)
        server.task = asyncio.create_task(self._boot(server, self.actions.start(server.id, "create")))
        return server.id

    async def wait_until_active(self, server_id: str) -> None:
        """Return when the server is ACTIVE; never if it stays in BUILD."""
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
        """Give the server another flavor, and reboot it."""
        server, new_flavor = self.get_server(server_id), find_flavor(flavor)
        assert new_flavor is not None, "the engine has checked it"
        if new_flavor.is_broken:
            raise ResourceFailure("Error", f"Resizing to '{new_flavor.name}' failed, status 'ERROR'")
        server.flavor, server.status = new_flavor, "RESIZE"
        await self.run_after_task(server, lambda: self.hypervisor.resize(server.id, build_size(new_flavor)))

    async def reboot(self, server_id: str) -> None:
        """Restart the server cleanly on the same disk; return when its init runs again."""
        await self._reboot(self.get_server(server_id), self.actions.start(server_id, "reboot"), is_hard=False)

    def start_reboot(self, server_id: str, is_hard: bool = False) -> ComputeAction:
        """Start a reboot without waiting for its end. A hard one cuts the power first."""
        action = self.actions.start(server_id, "reboot")
        self.run_in_background(self._reboot(self.get_server(server_id), action, is_hard))
        return action

    def start_delete(self, server_id: str) -> None:
        """Start a deletion without waiting for its end."""
        self.run_in_background(self.delete(server_id))

    async def delete(self, server_id: str) -> None:
        """Destroy a server; nothing happens if there is none."""
        server = self.servers.get(server_id)
        if server is None:
            return
        server.status, server.task_state = "DELETING", "deleting"
        if server.task is not None:
            await asyncio.wait([server.task])
        await self._run_in_thread(lambda: self.hypervisor.destroy(server.id))
        self.volumes.release_all(server_id)
        self.networking.release_ports(server_id)
        self.servers.pop(server_id, None)

    def get_address(self, server_id: str) -> str:
        """Return its address; Heat's placeholder if there is no such server."""
        server = self.servers.get(server_id)
        return "0.0.0.0" if server is None else server.address  # noqa: S104 - nobody listens there

    async def wait_for_tasks(self) -> None:
        """Wait for every boot in progress: a thread cannot be stopped."""
        tasks = [
            *self._background_tasks,
            *(server.task for server in self.servers.values() if server.task is not None),
        ]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.storage.wait_for_tasks()

    async def _reboot(self, server: ComputeServer, action: ComputeAction, is_hard: bool) -> None:
        def restart() -> None:
            if is_hard:
                self.hypervisor.cut_power(server.id)
            self.hypervisor.reboot(server.id)

        server.status = "HARD_REBOOT" if is_hard else "REBOOT"
        server.fault = ""
        await self.run_after_task(server, restart)
        action.end(server.status != "ERROR")

    async def _boot(self, server: ComputeServer, action: ComputeAction) -> None:
        if server.flavor.is_stuck:
            return
        if server.flavor.is_broken or server.flavor.has_no_host:
            # What was reserved stays so until the server is deleted.
            server.status, server.fault = "ERROR", NO_HOST_MESSAGE
            action.end(is_success=False)
            return
        if not await self.volumes.attach_reserved(server.id):
            server.status, server.fault = "ERROR", ATTACH_MESSAGE
            self.volumes.release_all(server.id)
            action.end(is_success=False)
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
            instance_metadata=dict(server.metadata),
            public_keys={name: self.public_keys[name]}
            if (name := server.key_name) in self.public_keys
            else {},
        )
        await self._run_action(server, lambda: self.hypervisor.boot(guest))
        action.end(server.status != "ERROR")

    async def run_after_task(
        self, server: ComputeServer, action: Callable[[], None], final_status: str = "ACTIVE"
    ) -> None:
        """Run an action when the server's present one has ended."""
        if server.task is not None:
            await asyncio.wait([server.task])
        server.task = asyncio.create_task(self._run_action(server, action, final_status))
        await asyncio.shield(server.task)

    async def _run_action(
        self, server: ComputeServer, action: Callable[[], None], final_status: str = "ACTIVE"
    ) -> None:
        try:
            await self._run_in_thread(action)
        except GuestAgentError as error:
            server.status, server.fault = "ERROR", str(error)
        else:
            if server.status != "DELETING":
                server.status = final_status

    async def _run_in_thread(self, action: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, action)

    def run_in_background(self, coroutine: Coroutine[None, None, None]) -> None:
        """Run it without waiting; `wait_for_tasks` does."""
        task = asyncio.create_task(coroutine)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)


def build_size(flavor: Flavor) -> GuestSize:
    """Return what the hypervisor gives a guest of that flavor."""
    return GuestSize(flavor.name, flavor.vcpus, flavor.memory_mb)
