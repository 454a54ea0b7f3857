"""Nova's API over the servers: enough to list, find, make, reboot and delete them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.host.clock import format_timestamp
from guestagent.embedded.http.errors import ApiError, ResourceFailure
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME
from guestagent.embedded.openstack.neutron.api import build_network_error
from guestagent.embedded.openstack.neutron.network import NETWORK_NAME, Port
from guestagent.embedded.openstack.nova.flavors import FLAVORS, Flavor, find_flavor
from guestagent.embedded.openstack.nova.server_actions import ServerActions
from guestagent.embedded.openstack.nova.servers import Compute, ComputeServer

ROOT_PATH = "/v2.1"


class ComputeApi:
    """The routes of the compute service."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def build_routes(self) -> list[Route]:
        one = ROOT_PATH + "/servers/{id}"
        return [
            Route("/", _versions),
            Route(ROOT_PATH, _version),
            Route(ROOT_PATH + "/", _version),
            Route(ROOT_PATH + "/flavors", _flavors),
            Route(ROOT_PATH + "/flavors/detail", _flavors),
            Route(ROOT_PATH + "/flavors/{id}", _flavor),
            Route(ROOT_PATH + "/flavors/{id}/os-extra_specs", _extra_specs),
            Route(ROOT_PATH + "/extensions", _extensions),
            Route(ROOT_PATH + "/os-keypairs", self._keypairs),
            Route(ROOT_PATH + "/os-keypairs", self._add_keypair, methods=["POST"]),
            Route(ROOT_PATH + "/os-keypairs/{name}", self._keypair, methods=["GET", "DELETE"]),
            Route(ROOT_PATH + "/servers", self._list),
            Route(ROOT_PATH + "/servers", self._create, methods=["POST"]),
            Route(ROOT_PATH + "/servers/detail", self._list),
            Route(one, self._show),
            Route(one, self._rename, methods=["PUT"]),
            Route(one, self._delete, methods=["DELETE"]),
            Route(ROOT_PATH + "/limits", _limits),
            *ServerActions(self._compute).build_routes(one),
        ]

    async def _list(self, request: Request) -> Response:
        asked = request.query_params
        servers = [server for server in self._compute.servers.values() if _matches(server, request)]
        if asked.get("marker"):
            servers = []
        return JSONResponse({"servers": [self._view(server) for server in servers]})

    async def _show(self, request: Request) -> Response:
        return self._shown(self._server(request))

    async def _create(self, request: Request) -> Response:
        try:
            asked = (await request.json())["server"]
            data = base64.b64decode(asked.get("user_data") or "", validate=True)
            name, flavor, image = str(asked["name"]), str(asked["flavorRef"]), str(asked["imageRef"])
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            return _fault(
                400, "badRequest", "Invalid input received: a server needs name, flavorRef, imageRef"
            )
        try:
            first, *more = _ports(asked) or [""]
            server_id = await self._compute.create(name, flavor, image, data, asked.get("key_name"), first)
            for each in more:
                self._compute.networking.find_port(each).server_id = server_id
        except ResourceFailure as error:
            return _fault(400, "badRequest", str(error))
        self._compute.get_server(server_id).metadata |= asked.get("metadata") or {}
        made = {"id": server_id, "links": [], "OS-DCF:diskConfig": "MANUAL", "adminPass": ""}
        return JSONResponse({"server": made}, 202)

    async def _delete(self, request: Request) -> Response:
        self._compute.start_delete(self._server(request).id)
        return Response(status_code=204)

    async def _rename(self, request: Request) -> Response:
        server = self._server(request)
        server.name = str(((await request.json()).get("server") or {}).get("name", server.name))
        return self._shown(server)

    async def _keypairs(self, request: Request) -> Response:
        return JSONResponse(
            {"keypairs": [{"keypair": self._key_view(name)} for name in self._compute.public_keys]}
        )

    async def _add_keypair(self, request: Request) -> Response:
        try:
            asked = (await request.json())["keypair"]
            self._compute.public_keys[str(asked["name"])] = str(asked.get("public_key", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _fault(400, "badRequest", "Malformed request body")
        return JSONResponse({"keypair": self._key_view(str(asked["name"]))}, 201)

    async def _keypair(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._compute.public_keys:
            return _fault(404, "itemNotFound", f"Keypair {name} not found")
        if request.method == "DELETE":
            del self._compute.public_keys[name]
            return Response(status_code=202)
        return JSONResponse({"keypair": self._key_view(name)})

    def _key_view(self, name: str) -> dict[str, object]:
        return {"name": name, "public_key": self._compute.public_keys[name], "fingerprint": "", "type": "ssh"}

    def _server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])

    def _shown(self, server: ComputeServer) -> Response:
        return JSONResponse({"server": self._view(server)})

    def _view(self, server: ComputeServer) -> dict[str, object]:
        return format_server(server, self._compute.networking.list_server_ports(server.id))


def format_server(server: ComputeServer, ports: Sequence[Port]) -> dict[str, object]:
    """A server as Nova shows it. It has no address before it runs."""
    addresses = [
        {
            "version": ip_address(port.address).version,
            "addr": port.address,
            "OS-EXT-IPS:type": "fixed",
            "OS-EXT-IPS-MAC:mac_addr": port.mac,
        }
        for port in ports
    ]
    shown: dict[str, object] = {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "tenant_id": PROJECT_NAME,
        "user_id": PROJECT_NAME,
        "metadata": server.metadata,
        "created": format_timestamp(server.created),
        "updated": format_timestamp(server.created),
        "key_name": server.key_name,
        "image": {"id": server.image.id, "links": []},
        "flavor": {"id": server.flavor.id, "original_name": server.flavor.name, "links": []},
        "addresses": {NETWORK_NAME: addresses} if addresses else {},
        "links": [],
        "progress": 100,
        "hostId": "embedded",
        "accessIPv4": "",
        "accessIPv6": "",
        "config_drive": "",
        "security_groups": [{"name": "default"}],
        "OS-EXT-STS:vm_state": server.status.lower(),
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:power_state": 1,
        "OS-EXT-AZ:availability_zone": "nova",
        "OS-DCF:diskConfig": "MANUAL",
        "os-extended-volumes:volumes_attached": [],
    }
    if server.fault:
        shown["fault"] = {"code": 500, "message": server.fault, "created": format_timestamp(server.created)}
    return shown


def build_compute_error(request: Request, refusal: Exception) -> Response:
    """A refusal in the body that Nova, Glance or Neutron gives it."""
    assert isinstance(refusal, ApiError)
    if request.url.path.startswith("/network"):
        return build_network_error(request, refusal)
    kind = {404: "itemNotFound", 409: "conflictingRequest"}.get(refusal.status, "badRequest")
    return _fault(refusal.status, kind, str(refusal))


def _ports(asked: Mapping[str, Any]) -> list[str]:
    """The ports among a new server's networks; "auto", "none" and networks as such mean one of its own."""
    networks = asked.get("networks")
    named = networks if isinstance(networks, list) else []
    return [str(each["port"]) for each in named if isinstance(each, dict) and each.get("port")]


def _matches(server: ComputeServer, request: Request) -> bool:
    asked = request.query_params
    return asked.get("name", "") in server.name and asked.get("status", server.status) == server.status


def _flavor_view(flavor: Flavor) -> dict[str, object]:
    return {
        "id": flavor.id,
        "name": flavor.name,
        "ram": flavor.memory_mb,
        "vcpus": flavor.vcpus,
        "disk": 1,
        "links": [],
        "swap": "",
        "rxtx_factor": 1.0,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": True,
        "extra_specs": {},
        "description": None,
    }


async def _flavors(request: Request) -> Response:
    shown = [] if request.query_params.get("marker") else [_flavor_view(flavor) for flavor in FLAVORS]
    return JSONResponse({"flavors": shown})


async def _flavor(request: Request) -> Response:
    wanted = request.path_params["id"]
    flavor = find_flavor(wanted)
    if flavor is None or flavor.id != wanted:
        return _fault(404, "itemNotFound", f"Flavor {wanted} could not be found.")
    return JSONResponse({"flavor": _flavor_view(flavor)})


async def _extra_specs(request: Request) -> Response:
    return JSONResponse({"extra_specs": {}})


async def _extensions(request: Request) -> Response:
    return JSONResponse({"extensions": []})


async def _limits(request: Request) -> Response:
    """What Heat asks before it makes a server."""
    most = {"maxServerMeta": 128, "maxPersonality": 5, "maxPersonalitySize": 10240}
    return JSONResponse({"limits": {"rate": [], "absolute": most}})


async def _versions(request: Request) -> Response:
    return JSONResponse({"versions": [_version_view(request)]})


async def _version(request: Request) -> Response:
    return JSONResponse({"version": _version_view(request)})


def _version_view(request: Request) -> dict[str, object]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.61",
        "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{request.base_url}v2.1/"}],
    }


def _fault(code: int, kind: str, message: str) -> Response:
    return JSONResponse({kind: {"code": code, "message": message}}, code)
