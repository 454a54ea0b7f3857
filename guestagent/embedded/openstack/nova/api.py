"""Nova's API: servers, flavors and versions. What belongs to one server has files of its own."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import ApiError, ResourceFailure
from guestagent.embedded.http.microversion import format_microversion
from guestagent.embedded.openstack.cinder.api import build_volume_error
from guestagent.embedded.openstack.cinder.errors import VolumeNotFound, VolumeRefused
from guestagent.embedded.openstack.neutron.api import build_network_error
from guestagent.embedded.openstack.nova.compute_server import ComputeServer, require_unlocked
from guestagent.embedded.openstack.nova.fault_response import build_fault
from guestagent.embedded.openstack.nova.flavors import DISK_GIB, FLAVORS, Flavor, find_flavor
from guestagent.embedded.openstack.nova.keypairs import KeypairApi
from guestagent.embedded.openstack.nova.limits import LimitsApi
from guestagent.embedded.openstack.nova.microversions import (
    MAXIMUM,
    MINIMUM,
    read_microversion,
)
from guestagent.embedded.openstack.nova.quota import OverServerQuota
from guestagent.embedded.openstack.nova.request_checks import check_keys, check_name, read_json, read_object
from guestagent.embedded.openstack.nova.server_actions import ServerActions
from guestagent.embedded.openstack.nova.server_creation import ServerCreation
from guestagent.embedded.openstack.nova.server_filters import check_list_query, matches_filters
from guestagent.embedded.openstack.nova.server_groups import ServerGroupApi, ServerGroups
from guestagent.embedded.openstack.nova.server_interfaces import ServerInterfaceApi
from guestagent.embedded.openstack.nova.server_metadata import ServerMetadataApi
from guestagent.embedded.openstack.nova.server_request import parse_server_request
from guestagent.embedded.openstack.nova.server_tags import ServerTagApi
from guestagent.embedded.openstack.nova.server_view import (
    ServerSurroundings,
    build_link,
    format_brief,
    format_server,
)
from guestagent.embedded.openstack.nova.server_volumes import describe_cinder_refusal
from guestagent.embedded.openstack.nova.servers import Compute
from guestagent.embedded.openstack.nova.volume_attachments import VolumeAttachmentApi

ROOT_PATH = "/v2.1"
CHANGEABLE_KEYS = frozenset(
    {"name", "description", "accessIPv4", "accessIPv6", "hostname", "OS-DCF:diskConfig"}
)


class ComputeApi:
    """The routes of the compute service."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._groups = ServerGroups(compute)
        self._creation = ServerCreation(compute, self._groups)

    def build_routes(self) -> list[Route]:
        server_path = ROOT_PATH + "/servers/{id}"
        return [
            Route("/", _show_versions),
            Route(ROOT_PATH, _show_version),
            Route(ROOT_PATH + "/", _show_version),
            Route(ROOT_PATH + "/flavors", _list_flavor_names),
            Route(ROOT_PATH + "/flavors/detail", _list_flavors),
            Route(ROOT_PATH + "/flavors/{id}", _show_flavor),
            Route(ROOT_PATH + "/flavors/{id}/os-extra_specs", _show_extra_specs),
            Route(ROOT_PATH + "/extensions", _list_extensions),
            *KeypairApi(self._compute).build_routes(ROOT_PATH),
            *ServerGroupApi(self._groups).build_routes(ROOT_PATH),
            Route(ROOT_PATH + "/servers", self._list_servers),
            Route(ROOT_PATH + "/servers", self._create_server, methods=["POST"]),
            Route(ROOT_PATH + "/servers/detail", self._list_details),
            Route(server_path, self._show_server),
            Route(server_path, self._change_server, methods=["PUT"]),
            Route(server_path, self._delete_server, methods=["DELETE"]),
            *LimitsApi(self._compute, self._groups).build_routes(ROOT_PATH),
            *ServerActions(self._compute).build_routes(server_path),
            *ServerMetadataApi(self._compute).build_routes(server_path),
            *ServerTagApi(self._compute).build_routes(server_path),
            *ServerInterfaceApi(self._compute).build_routes(server_path),
            *VolumeAttachmentApi(self._compute).build_routes(server_path),
        ]

    async def _list_servers(self, request: Request) -> Response:
        return JSONResponse(
            {"servers": [format_brief(each, str(request.base_url)) for each in self._find(request, False)]}
        )

    async def _list_details(self, request: Request) -> Response:
        servers = [self._format_server(each, request) for each in self._find(request, True)]
        return JSONResponse({"servers": servers})

    def _find(self, request: Request, is_detailed: bool) -> list[ComputeServer]:
        """Return the servers that a list shows, the newest first."""
        query = request.query_params
        check_list_query(query, read_microversion(request), is_detailed)
        servers = [*self._compute.deleted_servers.values(), *self._compute.servers.values()]
        found = [server for server in servers if matches_filters(server, query)]
        return sorted(found, key=lambda server: server.created, reverse=True)

    async def _show_server(self, request: Request) -> Response:
        return self._build_server_response(self._get_server(request), request)

    async def _create_server(self, request: Request) -> Response:
        body = await read_json(request)
        try:
            wanted = parse_server_request(body, read_microversion(request))
            server_id = await self._creation.create(wanted)
        except OverServerQuota as error:
            return build_fault(403, "forbidden", str(error))
        except VolumeRefused as error:
            return build_fault(400, "badRequest", f"Invalid volume: {describe_cinder_refusal(error)}")
        except (ResourceFailure, VolumeNotFound) as error:
            return build_fault(400, "badRequest", str(error))
        view = {
            "id": server_id,
            "links": [],
            "OS-DCF:diskConfig": "MANUAL",
            "security_groups": [{"name": name} for name in wanted.groups or ("default",)],
            "adminPass": secrets.token_urlsafe(9),
        }
        headers = {"Location": build_link(str(request.base_url), server_id)}
        return JSONResponse({"server": view}, 202, headers)

    async def _delete_server(self, request: Request) -> Response:
        server = self._get_server(request)
        require_unlocked(server)
        self._compute.start_delete(server.id)
        return Response(status_code=204)

    async def _change_server(self, request: Request) -> Response:
        server, values = self._get_server(request), await read_object(request, "server")
        check_keys("server", values, CHANGEABLE_KEYS)
        if "name" in values:
            check_name(values["name"])
        server.name = values.get("name", server.name)
        server.description = values.get("description", server.description)
        return self._build_server_response(server, request)

    def _get_server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])

    def _build_server_response(self, server: ComputeServer, request: Request) -> Response:
        return JSONResponse({"server": self._format_server(server, request)})

    def _format_server(self, server: ComputeServer, request: Request) -> dict[str, object]:
        around = ServerSurroundings(
            ports=self._compute.networking.list_server_ports(server.id),
            attachments=self._compute.volumes.list_attachments(server.id),
            security_groups=[group.name for group in self._compute.list_security_groups(server.id)],
            server_groups=self._groups.list_groups_of(server.id),
        )
        return format_server(server, around, read_microversion(request), str(request.base_url))


def build_compute_error(request: Request, error: Exception) -> Response:
    """Format an error as Nova, Glance, Neutron or Cinder does."""
    assert isinstance(error, ApiError)
    if request.url.path.startswith("/network"):
        return build_network_error(request, error)
    if request.url.path.startswith("/volume"):
        return build_volume_error(error)
    fault_types = {403: "forbidden", 404: "itemNotFound", 409: "conflictingRequest"}
    fault_type = fault_types.get(error.status, "badRequest")
    return build_fault(error.status, fault_type, str(error))


def _format_flavor(flavor: Flavor) -> dict[str, object]:
    return {
        "id": flavor.id,
        "name": flavor.name,
        "ram": flavor.memory_mb,
        "vcpus": flavor.vcpus,
        "disk": DISK_GIB,
        "links": [],
        "swap": "",
        "rxtx_factor": 1.0,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": True,
        "extra_specs": {},
        "description": None,
    }


async def _list_flavor_names(request: Request) -> Response:
    keys = ("id", "name", "links", "description")
    rows = [_format_flavor(flavor) for flavor in FLAVORS]
    return JSONResponse({"flavors": [{key: row[key] for key in keys} for row in rows]})


async def _list_flavors(request: Request) -> Response:
    return JSONResponse({"flavors": [_format_flavor(flavor) for flavor in FLAVORS]})


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


async def _show_versions(request: Request) -> Response:
    return JSONResponse({"versions": [_format_version(request)]})


async def _show_version(request: Request) -> Response:
    return JSONResponse({"version": _format_version(request)})


def _format_version(request: Request) -> dict[str, object]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": format_microversion(MAXIMUM),
        "min_version": format_microversion(MINIMUM),
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{request.base_url}v2.1/"}],
    }
