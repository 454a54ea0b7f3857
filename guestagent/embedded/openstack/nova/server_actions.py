"""Nova's actions on an existing server: reboot, resize, metadata, interfaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import ApiError, EntityNotFound, HTTPBadRequest, ResourceFailure
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID, Port
from guestagent.embedded.openstack.nova.action_log import ComputeAction, format_action
from guestagent.embedded.openstack.nova.flavors import find_flavor
from guestagent.embedded.openstack.nova.metadata_rules import find_metadata_error
from guestagent.embedded.openstack.nova.server_resize import VERIFY_RESIZE, ServerResize
from guestagent.embedded.openstack.nova.servers import Compute, ComputeServer

VM_STATES = {"BUILD": "building", "ERROR": "error", "VERIFY_RESIZE": "resized", "REVERT_RESIZE": "resized"}
"""Nova's vm_state for a status; of all others it is active."""


class WrongState(ApiError):
    """The server is not in the state that the action needs."""

    status = 409


class ServerActions:
    """The routes below one server."""

    def __init__(self, compute: Compute) -> None:
        self._compute, self._resizes = compute, ServerResize(compute)
        self._actions: Mapping[str, Callable[[ComputeServer, Any], ComputeAction]] = {
            "reboot": self._reboot,
            "resize": self._resize,
            "migrate": self._migrate,
            "confirmResize": self._confirm_resize,
            "revertResize": self._revert_resize,
        }

    def build_routes(self, server_path: str) -> list[Route]:
        return [
            Route(server_path + "/action", self._run_action, methods=["POST"]),
            Route(server_path + "/metadata", self._show_metadata),
            Route(server_path + "/metadata", self._add_metadata, methods=["POST"]),
            Route(server_path + "/metadata/{key}", self._delete_metadata, methods=["DELETE"]),
            Route(server_path + "/os-interface", self._list_interfaces),
            Route(server_path + "/os-interface", self._attach_interface, methods=["POST"]),
            Route(server_path + "/os-interface/{port}", self._show_interface),
            Route(server_path + "/os-interface/{port}", self._detach_interface, methods=["DELETE"]),
            Route(server_path + "/os-instance-actions", self._list_actions),
            Route(server_path + "/os-instance-actions/{request_id}", self._show_action),
            Route(server_path + "/os-security-groups", self._list_groups),
        ]

    async def _run_action(self, request: Request) -> Response:
        """Run an action. Those that need another disk or a stopped guest are rejected: rebuild, stop."""
        server = self._get_server(request)
        try:
            [(action, body)] = dict(await request.json()).items()
        except (ValueError, TypeError) as error:
            raise HTTPBadRequest("Malformed request body") from error
        if action not in self._actions:
            raise HTTPBadRequest(f"There is no such action: {action}")
        if not isinstance(body, dict) and body is not None:
            raise HTTPBadRequest("Malformed request body")
        noted = self._actions[action](server, body or {})
        headers = {"x-openstack-request-id": noted.request_id}
        return Response(status_code=204 if action == "confirmResize" else 202, headers=headers)

    def _reboot(self, server: ComputeServer, body: Mapping[str, str]) -> ComputeAction:
        is_hard = body.get("type") == "HARD"
        allowed = {"ACTIVE", "ERROR", "HARD_REBOOT", "REBOOT"} if is_hard else {"ACTIVE"}
        _require_status("reboot", server, allowed)
        return self._compute.start_reboot(server.id, is_hard)

    def _resize(self, server: ComputeServer, body: Mapping[str, str]) -> ComputeAction:
        flavor = find_flavor(str(body.get("flavorRef")))
        if flavor is None:
            raise HTTPBadRequest(f"Flavor {body.get('flavorRef')} could not be found.")
        _require_status("resize", server, {"ACTIVE"})
        if flavor == server.flavor:
            raise HTTPBadRequest("When resizing, instances must change flavor!")
        return self._resizes.start(server.id, flavor)

    def _migrate(self, server: ComputeServer, body: Mapping[str, str]) -> ComputeAction:
        _require_status("migrate", server, {"ACTIVE"})
        return self._resizes.start(server.id, server.flavor, "migrate")

    def _confirm_resize(self, server: ComputeServer, body: Mapping[str, str]) -> ComputeAction:
        _require_status("confirmResize", server, {VERIFY_RESIZE})
        return self._resizes.confirm(server)

    def _revert_resize(self, server: ComputeServer, body: Mapping[str, str]) -> ComputeAction:
        _require_status("revertResize", server, {VERIFY_RESIZE})
        return self._resizes.start_revert(server)

    async def _show_metadata(self, request: Request) -> Response:
        return JSONResponse({"metadata": self._get_server(request).metadata})

    async def _add_metadata(self, request: Request) -> Response:
        server = self._get_server(request)
        try:
            metadata = server.metadata | dict((await request.json())["metadata"])
        except (ValueError, KeyError, TypeError) as error:
            raise HTTPBadRequest("Malformed request body") from error
        if message := find_metadata_error(metadata):
            raise HTTPBadRequest(message)
        server.metadata = metadata
        return JSONResponse({"metadata": metadata})

    async def _delete_metadata(self, request: Request) -> Response:
        self._get_server(request).metadata.pop(request.path_params["key"], None)
        return Response(status_code=204)

    async def _list_interfaces(self, request: Request) -> Response:
        ports = self._compute.networking.list_server_ports(self._get_server(request).id)
        return JSONResponse({"interfaceAttachments": [_format_interface(port) for port in ports]})

    async def _show_interface(self, request: Request) -> Response:
        return JSONResponse({"interfaceAttachment": _format_interface(self._get_port(request))})

    async def _attach_interface(self, request: Request) -> Response:
        """Attach an interface, in the records only: a guest has the one link that it booted with."""
        server, body = self._get_server(request), (await request.json()).get("interfaceAttachment") or {}
        networking = self._compute.networking
        try:
            port = (
                networking.find_port(body["port_id"])
                if body.get("port_id")
                else networking.add_port(is_server_owned=True)
            )
        except ResourceFailure as error:
            raise HTTPBadRequest(str(error)) from error
        port.server_id = server.id
        return JSONResponse({"interfaceAttachment": _format_interface(port)})

    async def _detach_interface(self, request: Request) -> Response:
        port = self._get_port(request)
        port.server_id = ""
        if port.is_server_owned:
            self._compute.networking.remove_port(port.id)
        return Response(status_code=202)

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
            raise EntityNotFound(f"Action for request_id {request_id} on instance {server_id} not found")
        return JSONResponse({"instanceAction": format_action(server_id, action, with_events=True)})

    async def _list_groups(self, request: Request) -> Response:
        networking = self._compute.networking
        ids = {
            group
            for port in networking.list_server_ports(self._get_server(request).id)
            for group in port.groups
        }
        group_views = [
            {"id": group_id, "name": networking.find_group(group_id).name} for group_id in sorted(ids)
        ]
        return JSONResponse({"security_groups": group_views})

    def _get_server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])

    def _get_port(self, request: Request) -> Port:
        port = self._compute.networking.find_port(request.path_params["port"])
        if port.server_id != self._get_server(request).id:
            raise EntityNotFound(f"Port {port.id} not found")
        return port


def _format_interface(port: Port) -> dict[str, object]:
    return {
        "net_id": NETWORK_ID,
        "port_id": port.id,
        "mac_addr": port.mac,
        "port_state": "ACTIVE",
        "fixed_ips": [{"subnet_id": SUBNET_ID, "ip_address": port.address}],
    }


def _require_status(action: str, server: ComputeServer, allowed: set[str]) -> None:
    if server.status not in allowed:
        state = VM_STATES.get(server.status, "active")
        raise WrongState(f"Cannot '{action}' instance {server.id} while it is in vm_state {state}")
