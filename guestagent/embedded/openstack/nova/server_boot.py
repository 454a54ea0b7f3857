"""The boot of a server: its volumes, its guest, and the ways in which it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from guestagent.embedded.host.named_delay import read_delay
from guestagent.embedded.openstack.neutron.network import NeutronNetwork
from guestagent.embedded.openstack.nova.action_log import ComputeAction
from guestagent.embedded.openstack.nova.compute_server import ComputeServer
from guestagent.embedded.openstack.nova.hypervisor import Guest, Hypervisor
from guestagent.embedded.openstack.nova.server_volumes import ServerVolumes

NO_HOST_MESSAGE = "No valid host was found. "
NO_GROUP_HOST_MESSAGE = "No valid host was found. There are not enough hosts available."
RETRIES_MESSAGE = (
    "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for "
    "instance {}."
)
ABORTED_MESSAGE = (
    "Build of instance {} aborted: Unable to update attachment.(Bad or unexpected response from the storage volume "
    "backend API: the backend refuses). (HTTP 500)"
)
RunAction = Callable[[ComputeServer, Callable[[], None]], Awaitable[None]]


class ServerBoot:
    """What happens between the request for a server and its first ACTIVE. `run_action` runs the hypervisor's part."""

    def __init__(
        self,
        hypervisor: Hypervisor,
        networking: NeutronNetwork,
        volumes: ServerVolumes,
        public_keys: Mapping[str, str],
        run_action: RunAction,
    ) -> None:
        self._hypervisor, self._networking, self._volumes = hypervisor, networking, volumes
        self._public_keys, self._run_action = public_keys, run_action

    async def run(self, server: ComputeServer, action: ComputeAction) -> None:
        """Boot the server, or leave it in ERROR, or in BUILD if it is stuck."""
        if server.flavor.is_stuck:
            return
        if server.flavor.has_no_host or not server.host:
            self._fail_boot(server, NO_HOST_MESSAGE if server.host else NO_GROUP_HOST_MESSAGE)
            action.end(is_success=False)
            return
        await asyncio.sleep(0)
        if not await self._volumes.attach_reserved(server.id):
            self._fail_boot(server, ABORTED_MESSAGE.format(server.id))
            self._volumes.release_all(server.id)
            action.end()  # and the action tells nothing of it
            return
        if not await self._spawn(server):
            # Nova's record of the creation is left open: the fault is all that tells.
            self._fail_boot(server, RETRIES_MESSAGE.format(server.id))
            self._volumes.release_all(server.id, is_failure=True)
            return
        await self._run_action(server, partial(self._hypervisor.boot, self._build_guest(server)))
        action.end(server.status != "ERROR")

    async def _spawn(self, server: ComputeServer) -> bool:
        """Take the time that the server's name asks for. Return whether a host can spawn it."""
        if server.deletion is None:
            server.task_state = "spawning"
        await asyncio.sleep(read_delay(server.name))
        return not server.flavor.is_broken

    def _fail_boot(self, server: ComputeServer, message: str) -> None:
        """Leave the server in ERROR, without a host and ports."""
        server.status, server.task_state, server.fault, server.host = "ERROR", None, message, ""
        self._networking.release_ports(server.id)

    def _build_guest(self, server: ComputeServer) -> Guest:
        return Guest(
            id=server.id,
            name=server.name,
            address=server.address,
            prefix=self._networking.network.prefixlen,
            gateway=self._networking.gateway,
            flavor=server.flavor.name,
            vcpus=server.flavor.vcpus,
            memory_mb=server.flavor.memory_mb,
            image=server.image.name,
            user_data=server.user_data,
            instance_metadata=dict(server.metadata),
            public_keys={name: key for name, key in self._public_keys.items() if name == server.key_name},
            volumes=tuple(each.volume_id for each in self._volumes.list_attachments(server.id)),
        )
