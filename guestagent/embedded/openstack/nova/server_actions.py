"""What Nova does with a server that is there: reboot, resize, names, metadata, interfaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import ApiError, EntityNotFound, HTTPBadRequest, ResourceFailure
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID, Port
from guestagent.embedded.openstack.nova.flavors import find_flavor
from guestagent.embedded.openstack.nova.servers import Compute, ComputeServer


class WrongState(ApiError):
    """The server is not in the state that the action needs."""

    status = 409


class ServerActions:
    """The routes below one server; `one` is its path."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._actions: Mapping[str, Callable[[ComputeServer, Any], None]] = {
            "reboot": lambda server, asked: compute.start_reboot(server.id),
            "resize": self._resize,
            "confirmResize": self._confirm,
        }

    def build_routes(self, one: str) -> list[Route]:
        return [
            Route(one + "/action", self._act, methods=["POST"]),
            Route(one + "/metadata", self._metadata),
            Route(one + "/metadata", self._add_metadata, methods=["POST"]),
            Route(one + "/metadata/{key}", self._drop_metadata, methods=["DELETE"]),
            Route(one + "/os-interface", self._interfaces),
            Route(one + "/os-interface", self._attach, methods=["POST"]),
            Route(one + "/os-interface/{port}", self._interface),
            Route(one + "/os-interface/{port}", self._detach, methods=["DELETE"]),
            Route(one + "/os-volume_attachments", self._volumes),
            Route(one + "/os-security-groups", self._groups),
        ]

    async def _act(self, request: Request) -> Response:
        """What needs another disk or no power at all is refused: a rebuild, a stop."""
        server = self._server(request)
        try:
            [(action, asked)] = dict(await request.json()).items()
        except (ValueError, TypeError) as error:
            raise HTTPBadRequest("Malformed request body") from error
        if action not in self._actions:
            raise HTTPBadRequest(f"There is no such action: {action}")
        self._actions[action](server, asked)
        return Response(status_code=204 if action == "confirmResize" else 202)

    def _resize(self, server: ComputeServer, asked: Mapping[str, str]) -> None:
        flavor = find_flavor(str(asked.get("flavorRef")))
        if flavor is None:
            raise HTTPBadRequest("Invalid flavorRef provided.")
        if server.status != "ACTIVE":
            raise WrongState(f"Cannot 'resize' instance {server.id} while it is in vm_state {server.status}")
        self._compute.start_resize(server.id, flavor)

    def _confirm(self, server: ComputeServer, asked: object) -> None:
        if server.status != "VERIFY_RESIZE":
            raise HTTPBadRequest("Instance has not been resized.")
        server.status = "ACTIVE"

    async def _metadata(self, request: Request) -> Response:
        return JSONResponse({"metadata": self._server(request).metadata})

    async def _add_metadata(self, request: Request) -> Response:
        server = self._server(request)
        server.metadata |= dict((await request.json())["metadata"])
        return JSONResponse({"metadata": server.metadata})

    async def _drop_metadata(self, request: Request) -> Response:
        self._server(request).metadata.pop(request.path_params["key"], None)
        return Response(status_code=204)

    async def _interfaces(self, request: Request) -> Response:
        ports = self._compute.networking.list_server_ports(self._server(request).id)
        return JSONResponse({"interfaceAttachments": [_interface(port) for port in ports]})

    async def _interface(self, request: Request) -> Response:
        return JSONResponse({"interfaceAttachment": _interface(self._port(request))})

    async def _attach(self, request: Request) -> Response:
        """Kept in the books only: a guest has the one wire that it booted with."""
        server, asked = self._server(request), (await request.json()).get("interfaceAttachment") or {}
        there = self._compute.networking
        try:
            port = there.find_port(asked["port_id"]) if asked.get("port_id") else there.add_port(ours=True)
        except ResourceFailure as error:
            raise HTTPBadRequest(str(error)) from error
        port.server_id = server.id
        return JSONResponse({"interfaceAttachment": _interface(port)})

    async def _detach(self, request: Request) -> Response:
        port = self._port(request)
        port.server_id = ""
        if port.is_server_owned:
            self._compute.networking.remove_port(port.id)
        return Response(status_code=202)

    async def _volumes(self, request: Request) -> Response:
        return JSONResponse({"volumeAttachments": []})

    async def _groups(self, request: Request) -> Response:
        there = self._compute.networking
        ids = {group for port in there.list_server_ports(self._server(request).id) for group in port.groups}
        shown = [{"id": each, "name": there.find_group(each).name} for each in sorted(ids)]
        return JSONResponse({"security_groups": shown})

    def _server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])

    def _port(self, request: Request) -> Port:
        port = self._compute.networking.find_port(request.path_params["port"])
        if port.server_id != self._server(request).id:
            raise EntityNotFound(f"Port {port.id} not found")
        return port


def _interface(port: Port) -> dict[str, object]:
    return {
        "net_id": NETWORK_ID,
        "port_id": port.id,
        "mac_addr": port.mac,
        "port_state": "ACTIVE",
        "fixed_ips": [{"subnet_id": SUBNET_ID, "ip_address": port.address}],
    }
