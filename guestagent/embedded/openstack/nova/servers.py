"""The servers of a minimal Nova, which are the hypervisor's guests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.host.ip_network import IpNetwork
from guestagent.embedded.http.errors import ApiError, EntityNotFound, ResourceFailure
from guestagent.embedded.openstack.cinder.volumes import STEP_S, BlockStorage, BootVolume
from guestagent.embedded.openstack.glance.images import find_image
from guestagent.embedded.openstack.neutron.network import (
    NETWORK_ID,
    NETWORK_NAME,
    SUBNET_ID,
    SUBNET_NAME,
    NeutronNetwork,
    Port,
    SecurityGroup,
)
from guestagent.embedded.openstack.nova.action_log import ActionLog, ComputeAction
from guestagent.embedded.openstack.nova.compute_server import DELETING, HOSTS, ComputeServer
from guestagent.embedded.openstack.nova.flavors import Flavor, find_flavor
from guestagent.embedded.openstack.nova.hypervisor import GuestSize, Hypervisor
from guestagent.embedded.openstack.nova.metadata_rules import check_metadata
from guestagent.embedded.openstack.nova.quota import ServerQuota
from guestagent.embedded.openstack.nova.server_boot import ServerBoot
from guestagent.embedded.openstack.nova.server_name_faults import fails_to_reboot
from guestagent.embedded.openstack.nova.server_volumes import ServerVolumes
from guestagent.errors import GuestAgentError

NO_METADATA: Mapping[str, str] = {}
NO_NETWORK = "none"
"""Of a server without a port."""


class Compute:
    """Every server of the cloud. The hypervisor's calls block, so they run on the executor's threads."""

    def __init__(self, hypervisor: Hypervisor, network: IpNetwork, executor: Executor) -> None:
        self.networking = NeutronNetwork(network)
        self.storage, self.actions = BlockStorage(hypervisor), ActionLog()
        self.volumes = ServerVolumes(self.storage, self.actions, hypervisor)
        self.servers: dict[str, ComputeServer] = {}
        self.deleted_servers: dict[str, ComputeServer] = {}
        self.quota = ServerQuota()
        self.public_keys: dict[str, str] = {}  # name → public key
        self.hypervisor, self._executor = hypervisor, executor
        self._boot = ServerBoot(hypervisor, self.networking, self.volumes, self.public_keys, self.run_action)
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

    def list_security_groups(self, server_id: str) -> list[SecurityGroup]:
        """List the groups of the server's ports."""
        ports = self.networking.list_server_ports(server_id)
        ids = {group for port in ports for group in port.groups}
        return [self.networking.find_group(group_id) for group_id in sorted(ids)]

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
        host: str = HOSTS[0],
    ) -> str:
        """Create a server that boots in the background, at this port's address or at one of its own ("").

        Its volumes are reserved before this returns: a second server with one of them is refused.
        """
        new_flavor, boot_image = find_flavor(flavor), find_image(image)
        if new_flavor is None or boot_image is None:
            raise ResourceFailure(
                "EntityNotFound",
                self.check_constraint("Flavor", flavor) or self.check_constraint("Image", image),
            )
        try:
            check_metadata(metadata)
        except ApiError as error:
            raise ResourceFailure("BadRequest", str(error)) from error
        self.quota.check((server.flavor for server in self.servers.values()), new_flavor)
        server_id = generate_id()
        self.volumes.reserve(server_id, volumes)
        server_port = None if port == NO_NETWORK else self._find_or_add_port(port)
        server = ComputeServer(
            name,
            new_flavor,
            boot_image,
            "" if server_port is None else server_port.address,
            user_data,
            key_name,
            id=server_id,
            metadata=dict(metadata),
            tags=tuple(tags),
            host=host,
            task_state="scheduling",
        )
        if server_port is not None:
            server_port.server_id = server.id
        self.servers[server.id] = server
        if new_flavor.is_rigid:
            self.volumes.rigid_servers.add(server.id)
        server.task = asyncio.create_task(self._boot.run(server, self.actions.start(server.id, "create")))
        return server.id

    def check_resize_quota(self, server: ComputeServer, flavor: Flavor) -> None:
        """Raise OverServerQuota if the project may not have as much as the new flavor takes."""
        present = (each.flavor for each in self.servers.values())
        self.quota.check_resize(present, server.flavor, flavor)

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
        """Give the server another flavor, and reboot it. Without a host it stays as it is, and Heat waits for good."""
        server, new_flavor = self.get_server(server_id), find_flavor(flavor)
        assert new_flavor is not None, "the engine has checked it"
        if new_flavor.has_no_host:
            self.actions.start(server_id, "resize").end(is_success=False)
            await asyncio.Event().wait()
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
        server = self.get_server(server_id)
        if server.deletion is None or server.deletion.done():
            server.task_state = DELETING
            server.status = "ACTIVE" if server.status == "RESIZE" else server.status
            server.deletion = asyncio.create_task(
                self._destroy(server, self.actions.start(server_id, "delete"))
            )

    async def delete(self, server_id: str) -> None:
        """Destroy a server; nothing happens if there is none."""
        server = self.servers.get(server_id)
        if server is None:
            return
        self.start_delete(server_id)
        assert server.deletion is not None, "it was started"
        await asyncio.shield(server.deletion)

    async def _destroy(self, server: ComputeServer, action: ComputeAction) -> None:
        """Destroy a server after its present task. One that was in BUILD is ACTIVE for a moment."""
        if server.task is not None:
            await asyncio.wait([server.task])
        await asyncio.sleep(STEP_S)
        try:
            await self._run_in_thread(lambda: self.hypervisor.destroy(server.id))
        except GuestAgentError:
            server.task_state = None
            action.end(is_success=False)
            raise
        self.volumes.release_all(server.id)
        self.networking.release_ports(server.id)
        server.status, server.task_state, server.terminated = "DELETED", None, get_utc_time()
        self.deleted_servers[server.id] = server
        self.servers.pop(server.id, None)
        action.end()

    def get_address(self, server_id: str) -> str:
        """Return its address; Heat's placeholder if there is no such server."""
        server = self.servers.get(server_id)
        return "0.0.0.0" if server is None else server.address  # noqa: S104 - nobody listens there

    async def wait_for_tasks(self) -> None:
        """Wait for every boot in progress: a thread cannot be stopped."""
        tasks = [
            *self._background_tasks,
            *(server.task for server in self.servers.values() if server.task is not None),
            *(server.deletion for server in self.servers.values() if server.deletion is not None),
        ]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.storage.wait_for_tasks()

    async def _reboot(self, server: ComputeServer, action: ComputeAction, is_hard: bool) -> None:
        def restart() -> None:
            if fails_to_reboot(server.name):
                return  # and nothing tells of it
            if is_hard:
                self.hypervisor.cut_power(server.id)
            self.hypervisor.reboot(server.id)

        server.status = "HARD_REBOOT" if is_hard else "REBOOT"
        server.task_state, server.fault = "rebooting_hard" if is_hard else "rebooting", ""
        await self.run_after_task(server, restart)
        action.end(server.status != "ERROR")

    def _find_or_add_port(self, port_id: str) -> Port:
        if port_id:
            return self.networking.find_port(port_id)
        return self.networking.add_port(is_server_owned=True)

    async def run_after_task(
        self, server: ComputeServer, action: Callable[[], None], final_status: str = "ACTIVE"
    ) -> None:
        """Run an action when the server's present one has ended."""
        if server.task is not None:
            await asyncio.wait([server.task])
        server.task = asyncio.create_task(self.run_action(server, action, final_status))
        await asyncio.shield(server.task)

    async def run_action(
        self, server: ComputeServer, action: Callable[[], None], final_status: str = "ACTIVE"
    ) -> None:
        """Run the hypervisor's part of what a server's task does; the server ends in this status, or in ERROR."""
        is_building = server.status == "BUILD"
        try:
            await self._run_in_thread(action)
        except GuestAgentError as error:
            server.status, server.fault = "ERROR", str(error)
        else:
            server.status = final_status
            server.launched = server.launched or get_utc_time()
        if is_building or server.deletion is None:
            server.task_state = None

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
