"""The resize of a server as Nova does it: to another host, and held until somebody confirms or reverts it."""

from __future__ import annotations

import asyncio

from guestagent.embedded.host.named_delay import read_delay
from guestagent.embedded.http.errors import HTTPBadRequest
from guestagent.embedded.openstack.cinder.volumes import STEP_S
from guestagent.embedded.openstack.nova.action_log import ComputeAction
from guestagent.embedded.openstack.nova.compute_server import HOSTS, ComputeServer
from guestagent.embedded.openstack.nova.flavors import Flavor
from guestagent.embedded.openstack.nova.servers import Compute, build_size

VERIFY_RESIZE = "VERIFY_RESIZE"
MOVE_MESSAGE = "fail-resize, as the server's name or flavor asks"
RESERVE_MESSAGE = "Invalid input received: Invalid volume: its status must be in-use to move it"
ATTACH_MESSAGE = (
    "Unable to update attachment.(Bad or unexpected response from the storage volume backend API)"
)


class ServerResize:
    """Resizes and cold migrations. A migration is a resize to the same flavor."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def start(self, server: ComputeServer, flavor: Flavor, action_name: str = "resize") -> ComputeAction:
        """Resize as Nova does: the server runs with its new flavor, and waits in VERIFY_RESIZE for a confirmation.

        Without a host it becomes ACTIVE with its old flavor, and only the action tells.
        """
        action = self._compute.actions.start(server.id, action_name)
        server.status, server.task_state = "RESIZE", "resize_prep"
        self._compute.run_in_background(self._resize(server, flavor, action))
        return action

    def start_confirmation(self, server: ComputeServer) -> ComputeAction:
        """Keep the new flavor, and forget the old one. The server stays in VERIFY_RESIZE for a moment."""
        if server.former_flavor is None:
            raise HTTPBadRequest("Instance has not been resized.")
        action = self._compute.actions.start(server.id, "confirmResize")
        server.former_flavor = None
        server.task = asyncio.create_task(self._confirm(server, action))
        return action

    def start_revert(self, server: ComputeServer) -> ComputeAction:
        """Return to the old flavor and host."""
        if server.former_flavor is None:
            raise HTTPBadRequest("Instance has not been resized.")
        action = self._compute.actions.start(server.id, "revertResize")
        server.status, server.task_state = "REVERT_RESIZE", "resize_reverting"
        server.task = asyncio.create_task(self._move(server, server.former_flavor, action, "ACTIVE"))
        return action

    async def _resize(self, server: ComputeServer, flavor: Flavor, action: ComputeAction) -> None:
        """Leave the host, and then move. A deletion does not wait for it: then the volumes are reserved in vain."""
        volumes = self._compute.volumes
        can_be_moved, held = volumes.can_be_moved(server.id), volumes.list_attachments(server.id)
        await asyncio.sleep(STEP_S)
        if flavor.has_no_host:
            server.status = "ACTIVE"
            self._clear_task(server)
            action.end(is_success=False)
            return
        if server.deletion is None:
            server.task_state = "resize_migrating"
        action.is_prepared = True
        await asyncio.sleep(STEP_S + read_delay(server.name))
        if server.deletion is not None:
            await asyncio.wait([server.deletion])
        if not self._compute.has_server(server.id):
            volumes.reserve_in_vain(held)
            action.end(is_success=False)
        elif can_be_moved and volumes.can_be_moved(server.id):
            server.task = asyncio.create_task(self._move(server, flavor, action, VERIFY_RESIZE))
            await asyncio.shield(server.task)
        else:
            self._fail(server, action, RESERVE_MESSAGE)

    async def _move(
        self, server: ComputeServer, flavor: Flavor, action: ComputeAction, final_status: str
    ) -> None:
        """Shut the server down and boot it with the other flavor, on the other host.

        If the other host fails, the volumes stay as they are then: Nova does not attach them later.
        """
        former_flavor, compute = server.flavor, self._compute
        server.flavor = flavor
        server.host = HOSTS[1 - HOSTS.index(server.host)]
        compute.volumes.start_move(server.id)
        if not compute.volumes.start_attaching(server.id):
            self._fail(server, action, ATTACH_MESSAGE)
            return
        if flavor.is_broken:
            server.flavor = former_flavor
            self._fail(server, action, MOVE_MESSAGE)
            return
        size = build_size(flavor)
        await compute.run_action(server, lambda: compute.hypervisor.resize(server.id, size), final_status)
        if server.status == "ERROR":
            server.flavor = former_flavor
        else:
            compute.volumes.complete_move(server.id)
            server.former_flavor = former_flavor if final_status == VERIFY_RESIZE else None
        action.end(server.status != "ERROR")

    async def _confirm(self, server: ComputeServer, action: ComputeAction) -> None:
        await asyncio.sleep(STEP_S)
        server.status = "ACTIVE"
        action.end()

    def _fail(self, server: ComputeServer, action: ComputeAction, message: str) -> None:
        server.status, server.fault = "ERROR", message
        self._clear_task(server)
        action.end(is_success=False)

    def _clear_task(self, server: ComputeServer) -> None:
        if server.deletion is None:
            server.task_state = None
