"""Nova's API: enough to list, find, create, reboot and delete servers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from hashlib import sha224
from ipaddress import ip_address
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.host.clock import format_timestamp
from guestagent.embedded.http.errors import ApiError, ResourceFailure
from guestagent.embedded.openstack.cinder.api import build_volume_error
from guestagent.embedded.openstack.cinder.volumes import StoredAttachment, VolumeNotFound, VolumeRefused
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME
from guestagent.embedded.openstack.neutron.api import build_network_error
from guestagent.embedded.openstack.neutron.network import NETWORK_NAME, Port
from guestagent.embedded.openstack.nova.fault_response import build_fault
from guestagent.embedded.openstack.nova.flavors import FLAVORS, Flavor, find_flavor
from guestagent.embedded.openstack.nova.keypairs import KeypairApi
from guestagent.embedded.openstack.nova.server_actions import VM_STATES, ServerActions
from guestagent.embedded.openstack.nova.server_volumes import BootVolume
from guestagent.embedded.openstack.nova.servers import Compute, ComputeServer
from guestagent.embedded.openstack.nova.volume_attachments import VolumeAttachmentApi

ROOT_PATH = "/v2.1"


class ComputeApi:
    """The routes of the compute service."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def build_routes(self) -> list[Route]:
        server_path = ROOT_PATH + "/servers/{id}"
        return [
            Route("/", _show_versions),
            Route(ROOT_PATH, _show_version),
            Route(ROOT_PATH + "/", _show_version),
            Route(ROOT_PATH + "/flavors", _list_flavors),
            Route(ROOT_PATH + "/flavors/detail", _list_flavors),
            Route(ROOT_PATH + "/flavors/{id}", _show_flavor),
            Route(ROOT_PATH + "/flavors/{id}/os-extra_specs", _show_extra_specs),
            Route(ROOT_PATH + "/extensions", _list_extensions),
            *KeypairApi(self._compute).build_routes(ROOT_PATH),
            Route(ROOT_PATH + "/servers", self._list_servers),
            Route(ROOT_PATH + "/servers", self._create_server, methods=["POST"]),
            Route(ROOT_PATH + "/servers/detail", self._list_servers),
            Route(server_path, self._show_server),
            Route(server_path, self._rename_server, methods=["PUT"]),
            Route(server_path, self._delete_server, methods=["DELETE"]),
            Route(ROOT_PATH + "/limits", _show_limits),
            *ServerActions(self._compute).build_routes(server_path),
            *VolumeAttachmentApi(self._compute).build_routes(server_path),
        ]

    async def _list_servers(self, request: Request) -> Response:
        body = request.query_params
        servers = [server for server in self._compute.servers.values() if _matches_filters(server, request)]
        if body.get("marker"):
            servers = []
        return JSONResponse({"servers": [self._format_server(server) for server in servers]})

    async def _show_server(self, request: Request) -> Response:
        return self._build_server_response(self._get_server(request))

    async def _create_server(self, request: Request) -> Response:
        try:
            body = (await request.json())["server"]
            data = base64.b64decode(body.get("user_data") or "", validate=True)
            name, flavor, image = str(body["name"]), str(body["flavorRef"]), str(body["imageRef"])
            metadata = dict(body.get("metadata") or {})
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            return build_fault(
                400, "badRequest", "Invalid input received: a server needs name, flavorRef, imageRef"
            )
        try:
            first_port, *other_ports = _list_requested_ports(body) or [""]
            server_id = await self._compute.create(
                name,
                flavor,
                image,
                data,
                body.get("key_name"),
                first_port,
                metadata=metadata,
                tags=[str(tag) for tag in body.get("tags") or ()],
                volumes=_list_requested_volumes(body),
            )
            for port_id in other_ports:
                self._compute.networking.find_port(port_id).server_id = server_id
        except (ResourceFailure, VolumeRefused, VolumeNotFound) as error:
            return build_fault(400, "badRequest", str(error))
        view = {"id": server_id, "links": [], "OS-DCF:diskConfig": "MANUAL", "adminPass": ""}
        return JSONResponse({"server": view}, 202)

    async def _delete_server(self, request: Request) -> Response:
        self._compute.start_delete(self._get_server(request).id)
        return Response(status_code=204)

    async def _rename_server(self, request: Request) -> Response:
        server = self._get_server(request)
        server.name = str(((await request.json()).get("server") or {}).get("name", server.name))
        return self._build_server_response(server)

    def _get_server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])

    def _build_server_response(self, server: ComputeServer) -> Response:
        return JSONResponse({"server": self._format_server(server)})

    def _format_server(self, server: ComputeServer) -> dict[str, object]:
        return format_server(
            server,
            self._compute.networking.list_server_ports(server.id),
            self._compute.volumes.list_attachments(server.id),
        )


def format_server(
    server: ComputeServer, ports: Sequence[Port], attachments: Sequence[StoredAttachment] = ()
) -> dict[str, object]:
    """Format a server as Nova does."""
    addresses = [
        {
            "version": ip_address(port.address).version,
            "addr": port.address,
            "OS-EXT-IPS:type": "fixed",
            "OS-EXT-IPS-MAC:mac_addr": port.mac,
        }
        for port in ports
    ]
    view: dict[str, object] = {
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
        "progress": 0 if server.status == "BUILD" else 100,
        "hostId": sha224(f"{PROJECT_NAME}{server.host}".encode()).hexdigest(),
        "tags": list(server.tags),
        "accessIPv4": "",
        "accessIPv6": "",
        "config_drive": "",
        "security_groups": [{"name": "default"}],
        "OS-EXT-STS:vm_state": VM_STATES.get(server.status, "active"),
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:power_state": 1,
        "OS-EXT-AZ:availability_zone": "nova",
        "OS-DCF:diskConfig": "MANUAL",
        "os-extended-volumes:volumes_attached": [
            {"id": each.volume_id, "delete_on_termination": each.is_deleted_with_server}
            for each in attachments
        ],
    }
    if server.fault:
        view["fault"] = {"code": 500, "message": server.fault, "created": format_timestamp(server.created)}
    return view


def build_compute_error(request: Request, error: Exception) -> Response:
    """Format an error as Nova, Glance, Neutron or Cinder does."""
    assert isinstance(error, ApiError)
    if request.url.path.startswith("/network"):
        return build_network_error(request, error)
    if request.url.path.startswith("/volume"):
        return build_volume_error(error)
    fault_type = {404: "itemNotFound", 409: "conflictingRequest"}.get(error.status, "badRequest")
    return build_fault(error.status, fault_type, str(error))


def _list_requested_ports(body: Mapping[str, Any]) -> list[str]:
    """List the ports among a new server's networks. "auto", "none" and networks without a port mean one of its own."""
    networks = body.get("networks")
    network_rows = networks if isinstance(networks, list) else []
    return [
        str(port_id["port"]) for port_id in network_rows if isinstance(port_id, dict) and port_id.get("port")
    ]


def _list_requested_volumes(body: Mapping[str, Any]) -> list[BootVolume]:
    """List the volumes of a new server beside its root disk, which comes from the image."""
    rows = body.get("block_device_mapping_v2")
    return [
        BootVolume(str(row["uuid"]), bool(row.get("delete_on_termination")))
        for row in (rows if isinstance(rows, list) else [])
        if row.get("source_type") == "volume" and row.get("destination_type") == "volume"
    ]


def _matches_filters(server: ComputeServer, request: Request) -> bool:
    """Compare with the filters: `name` is a regular expression without anchors, `tags` are all to be there."""
    query = request.query_params
    tags = {tag for tag in query.get("tags", "").split(",") if tag}
    return (
        re.search(query.get("name", ""), server.name) is not None
        and query.get("status", server.status) == server.status
        and tags <= set(server.tags)
    )


def _format_flavor(flavor: Flavor) -> dict[str, object]:
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


async def _list_flavors(request: Request) -> Response:
    view = [] if request.query_params.get("marker") else [_format_flavor(flavor) for flavor in FLAVORS]
    return JSONResponse({"flavors": view})


async def _show_flavor(request: Request) -> Response:
    flavor_id = request.path_params["id"]
    flavor = find_flavor(flavor_id)
    if flavor is None or flavor.id != flavor_id:
        return build_fault(404, "itemNotFound", f"Flavor {flavor_id} could not be found.")
    return JSONResponse({"flavor": _format_flavor(flavor)})


async def _show_extra_specs(request: Request) -> Response:
    return JSONResponse({"extra_specs": {}})


async def _list_extensions(request: Request) -> Response:
    return JSONResponse({"extensions": []})


async def _show_limits(request: Request) -> Response:
    """Show the limits, which Heat reads before it creates a server."""
    limits = {"maxServerMeta": 128, "maxPersonality": 5, "maxPersonalitySize": 10240}
    return JSONResponse({"limits": {"rate": [], "absolute": limits}})


async def _show_versions(request: Request) -> Response:
    return JSONResponse({"versions": [_format_version(request)]})


async def _show_version(request: Request) -> Response:
    return JSONResponse({"version": _format_version(request)})


def _format_version(request: Request) -> dict[str, object]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.61",
        "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{request.base_url}v2.1/"}],
    }
