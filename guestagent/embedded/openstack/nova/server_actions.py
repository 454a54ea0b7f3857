"""Nova's actions on an existing server, and the record of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import EntityNotFound, HTTPBadRequest
from guestagent.embedded.openstack.nova.action_log import format_action
from guestagent.embedded.openstack.nova.compute_server import (
    REBOOTING_TASKS,
    RUNNING,
    ComputeServer,
    require_state,
    require_unlocked,
)
from guestagent.embedded.openstack.nova.fault_response import build_fault
from guestagent.embedded.openstack.nova.quota import OverServerQuota
from guestagent.embedded.openstack.nova.request_checks import check_choice, check_keys, read_json
from guestagent.embedded.openstack.nova.server_creation import require_flavor
from guestagent.embedded.openstack.nova.server_resize import ServerResize
from guestagent.embedded.openstack.nova.servers import Compute

REBOOT_TYPES = ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]
RESIZED = frozenset({"resized"})
Values = Mapping[str, Any]


class ServerActions:
    """The routes of actions below one server."""

    def __init__(self, compute: Compute) -> None:
        self._compute, self._resizes = compute, ServerResize(compute)
        self._actions: Mapping[str, Callable[[ComputeServer, Values], object]] = {
            "reboot": self._reboot,
            "resize": self._resize,
            "migrate": self._migrate,
            "confirmResize": self._confirm_resize,
            "revertResize": self._revert_resize,
            "lock": self._lock,
            "unlock": self._unlock,
        }

    def build_routes(self, server_path: str) -> list[Route]:
        return [
            Route(server_path + "/action", self._run_action, methods=["POST"]),
            Route(server_path + "/os-instance-actions", self._list_actions),
            Route(server_path + "/os-instance-actions/{request_id}", self._show_action),
        ]

    async def _run_action(self, request: Request) -> Response:
        """Run an action. Those that need another disk or a stopped guest are rejected: rebuild, stop."""
        body = await read_json(request)
        if not isinstance(body, dict) or len(body) != 1:
            raise HTTPBadRequest("Malformed request body")
        [(action, values)] = body.items()
        if action not in self._actions:
            raise HTTPBadRequest(f"There is no such action: {action}")
        if not isinstance(values, dict) and values is not None:
            raise HTTPBadRequest("Malformed request body")
        server = self._compute.get_server(request.path_params["id"])
        try:
            self._actions[action](server, values or {})
        except OverServerQuota as error:
            return build_fault(403, "forbidden", str(error))
        return Response(status_code=204 if action == "confirmResize" else 202)

    def _reboot(self, server: ComputeServer, values: Values) -> None:
        check_keys("reboot", values, {"type"}, ["type"])
        check_choice("type", values["type"], REBOOT_TYPES)
        require_unlocked(server)
        is_hard = values["type"].upper() == "HARD"
        if is_hard:
            require_state("reboot", server, RUNNING | {"error"}, REBOOTING_TASKS)
        else:
            require_state("reboot", server)
        self._compute.start_reboot(server.id, is_hard)

    def _resize(self, server: ComputeServer, values: Values) -> None:
        check_keys("resize", values, {"flavorRef", "OS-DCF:diskConfig"}, ["flavorRef"])
        require_unlocked(server)
        require_state("resize", server)
        flavor = require_flavor(str(values["flavorRef"]))
        if flavor == server.flavor:
            raise HTTPBadRequest("When resizing, instances must change flavor!")
        self._compute.check_resize_quota(server, flavor)
        self._resizes.start(server, flavor)

    def _migrate(self, server: ComputeServer, values: Values) -> None:
        require_unlocked(server)
        require_state("migrate", server)
        self._resizes.start(server, server.flavor, "migrate")

    def _confirm_resize(self, server: ComputeServer, values: Values) -> None:
        require_unlocked(server)
        require_state("confirmResize", server, RESIZED)
        self._resizes.start_confirmation(server)

    def _revert_resize(self, server: ComputeServer, values: Values) -> None:
        require_unlocked(server)
        require_state("revertResize", server, RESIZED)
        self._resizes.start_revert(server)

    def _lock(self, server: ComputeServer, values: Values) -> None:
        server.is_locked = True
        self._compute.actions.start(server.id, "lock").end()

    def _unlock(self, server: ComputeServer, values: Values) -> None:
        server.is_locked = False
        self._compute.actions.start(server.id, "unlock").end()

    async def _list_actions(self, request: Request) -> Response:
        """List the actions, those of a deleted server, too."""
        server_id = request.path_params["id"]
        actions = self._compute.actions.list_actions(server_id)
        if not actions:
            self._compute.get_server(server_id)
        return JSONResponse({"instanceActions": [format_action(server_id, each) for each in actions]})

    async def _show_action(self, request: Request) -> Response:
        server_id, request_id = request.path_params["id"], request.path_params["request_id"]
        action = self._compute.actions.find_action(server_id, request_id)
        if action is None:
            raise EntityNotFound(f"Action {request_id} not found")
        return JSONResponse({"instanceAction": format_action(server_id, action, with_events=True)})
