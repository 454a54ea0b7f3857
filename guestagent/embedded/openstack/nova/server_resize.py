"""The resize of a server as Nova does it: to another host, and held until somebody confirms or reverts it."""

from __future__ import annotations

import asyncio

from guestagent.embedded.openstack.cinder.volumes import STEP_S
from guestagent.embedded.openstack.nova.action_log import ComputeAction
from guestagent.embedded.openstack.nova.flavors import Flavor
from guestagent.embedded.openstack.nova.servers import (
    HOSTS,
    NO_HOST_MESSAGE,
    Compute,
    ComputeServer,
    build_size,
)

VERIFY_RESIZE = "VERIFY_RESIZE"


class ServerResize:
    """Resizes and cold migrations. A migration is a resize to the same flavor."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def start(self, server_id: str, flavor: Flavor, action_name: str = "resize") -> ComputeAction:
        """Resize as Nova does: the server runs with its new flavor, and waits in VERIFY_RESIZE for a confirmation.

        Without a host it becomes ACTIVE with its old flavor, and only the action tells.
        """
        server = self._compute.get_server(server_id)
        action = self._compute.actions.start(server_id, action_name)
        if flavor.is_broken or self._compute.volumes.has_extending_volume(server_id):
            server.status, server.fault = "ERROR", NO_HOST_MESSAGE
            action.end(is_success=False)
        else:
            server.status, server.task_state = "RESIZE", "resize_prep"
            move = self._give_up if flavor.has_no_host else self._move_server
            self._compute.run_in_background(move(server, flavor, action))
        return action

    def confirm(self, server: ComputeServer) -> ComputeAction:
        """Keep the new flavor, and forget the old one."""
        action = self._compute.actions.start(server.id, "confirmResize")
        server.former_flavor, server.status = None, "ACTIVE"
        action.end()
        return action

    def start_revert(self, server: ComputeServer) -> ComputeAction:
        """Return to the old flavor and host."""
        action = self._compute.actions.start(server.id, "revertResize")
        flavor = server.former_flavor
        assert flavor is not None, "a server in VERIFY_RESIZE has one"
        server.status, server.task_state = "REVERT_RESIZE", "resize_reverting"
        self._compute.run_in_background(self._move_server(server, flavor, action, final_status="ACTIVE"))
        return action

    async def _give_up(self, server: ComputeServer, flavor: Flavor, action: ComputeAction) -> None:
        await asyncio.sleep(STEP_S)
        server.status, server.task_state = "ACTIVE", None
        action.end(is_success=False)

    async def _move_server(
        self, server: ComputeServer, flavor: Flavor, action: ComputeAction, final_status: str = VERIFY_RESIZE
    ) -> None:
        """Shut the server down and boot it with the other flavor, on the other host."""
        former_flavor = server.flavor
        server.flavor = flavor
        server.host = HOSTS[1 - HOSTS.index(server.host)]
        await self._compute.run_after_task(
            server, lambda: self._compute.hypervisor.resize(server.id, build_size(flavor)), final_status
        )
        server.task_state = None
        if server.status == "ERROR":
            server.flavor = former_flavor
        else:
            server.former_flavor = former_flavor if final_status == VERIFY_RESIZE else None
        action.end(server.status != "ERROR")
