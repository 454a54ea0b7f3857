"""Nova's API for the interfaces of a server, and for the security groups of their ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import EntityNotFound, HTTPBadRequest, ResourceFailure
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID, Port
from guestagent.embedded.openstack.nova.compute_server import (
    ComputeServer,
    WrongState,
    require_state,
    require_unlocked,
)
from guestagent.embedded.openstack.nova.request_checks import read_json
from guestagent.embedded.openstack.nova.servers import Compute


class ServerInterfaceApi:
    """The routes of interfaces below one server: in the records only, for a guest has the link it booted with."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def build_routes(self, server_path: str) -> list[Route]:
        path = server_path + "/os-interface"
        return [
            Route(path, self._list_interfaces),
            Route(path, self._attach_interface, methods=["POST"]),
            Route(path + "/{port}", self._show_interface),
            Route(path + "/{port}", self._detach_interface, methods=["DELETE"]),
            Route(server_path + "/os-security-groups", self._list_groups),
        ]

    async def _list_interfaces(self, request: Request) -> Response:
        ports = self._compute.networking.list_server_ports(self._get_server(request).id)
        return JSONResponse({"interfaceAttachments": [_format_interface(port) for port in ports]})

    async def _show_interface(self, request: Request) -> Response:
        port = self._find_port(request)
        return JSONResponse({"interfaceAttachment": _format_interface(port)})

    async def _attach_interface(self, request: Request) -> Response:
        server, body = self._get_server(request), await read_json(request)
        require_unlocked(server)
        require_state("attach_interface", server)
        port = self._choose_port((body or {}).get("interfaceAttachment") or {})
        port.server_id = server.id
        return JSONResponse({"interfaceAttachment": {**_format_interface(port), "tag": None}})

    async def _detach_interface(self, request: Request) -> Response:
        server = self._get_server(request)
        require_unlocked(server)
        require_state("detach_interface", server)
        port = self._find_port(request)
        port.server_id = ""
        if port.is_server_owned:
            self._compute.networking.remove_port(port.id)
        return Response(status_code=202)

    async def _list_groups(self, request: Request) -> Response:
        groups = self._compute.list_security_groups(self._get_server(request).id)
        return JSONResponse({"security_groups": [{"id": each.id, "name": each.name} for each in groups]})

    def _choose_port(self, values: Mapping[str, Any]) -> Port:
        networking = self._compute.networking
        try:
            if not values.get("port_id"):
                return networking.add_port(is_server_owned=True)
            port = networking.find_port(values["port_id"])
        except ResourceFailure as error:
            raise HTTPBadRequest(str(error)) from error
        if port.server_id:
            raise WrongState(f"Port {port.id} is still in use.")
        return port

    def _get_server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])

    def _find_port(self, request: Request) -> Port:
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
