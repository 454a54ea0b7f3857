"""Neutron over the one network: ports with addresses; security groups and rules, which are kept and filter nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import ApiError, HTTPBadRequest, NotFound
from guestagent.embedded.openstack.neutron.errors import (
    HTTPInternalServerError,
    NetworkNotFound,
    PortNotFound,
    SecurityGroupNotFound,
    SecurityGroupRuleNotFound,
    SubnetNotFound,
)
from guestagent.embedded.openstack.neutron.group_requests import change_group, create_group
from guestagent.embedded.openstack.neutron.list_filters import select_rows
from guestagent.embedded.openstack.neutron.network import NeutronNetwork
from guestagent.embedded.openstack.neutron.port_requests import change_port, create_port
from guestagent.embedded.openstack.neutron.views import (
    PORT_KEYS,
    View,
    format_group,
    format_network,
    format_port,
    format_rule,
    format_subnet,
)

ROOT_PATH = "/network/v2.0"
RULES = "security_group_rules"
MISSING_ERRORS: Mapping[str, Callable[[str], ApiError]] = {
    "networks": NetworkNotFound,
    "subnets": SubnetNotFound,
    "ports": PortNotFound,
    "security-groups": SecurityGroupNotFound,
    "security-group-rules": SecurityGroupRuleNotFound,
}
Endpoint = Callable[[Request], Awaitable[Response]]


class NetworkApi:
    """The network service, below /network."""

    def __init__(self, networking: NeutronNetwork) -> None:
        self._networking = networking

    def build_routes(self) -> list[Route]:
        """Build the routes: neutronclient's have no suffix, those of older clients, and Heat's, end in .json."""
        networking = self._networking
        return [
            Route("/network", self._show_versions),
            Route("/network/", self._show_versions),
            *_build_routes("GET", "extensions", self._list_extensions),
            *_build_routes("POST", "ports", self._add_port),
            *_build_routes("PUT", "ports/{id}", self._change_port),
            *_build_routes("DELETE", "ports/{id}", _build_removal(networking.remove_port)),
            *_build_routes("POST", "security-groups", self._add_group),
            *_build_routes("PUT", "security-groups/{id}", self._change_group),
            *_build_routes("DELETE", "security-groups/{id}", _build_removal(networking.remove_group)),
            *_build_routes("POST", "security-group-rules", self._add_rules),
            *_build_routes("PUT", "security-group-rules/{id}", self._change_rule),
            *_build_routes("DELETE", "security-group-rules/{id}", _build_removal(networking.remove_rule)),
            *_build_routes("GET", "quotas/{project}/details", self._show_quota),
            *_build_routes("GET", "{what}", self._list_objects),
            *_build_routes("GET", "{what}/{id}", self._show_object),
        ]

    async def _show_versions(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{request.base_url}network/v2.0/"}]
        return JSONResponse({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}, 300)

    async def _list_extensions(self, request: Request) -> Response:
        extensions: list[View] = [
            {"alias": alias, "name": alias, "description": "", "updated": "", "links": []}
            for alias in ("security-group", "port-security", "quota_details")
        ]
        return JSONResponse({"extensions": extensions})

    async def _list_objects(self, request: Request) -> Response:
        collection = request.path_params["what"]
        rows, keys = self._list_rows(collection)
        found = select_rows(rows, request.query_params.multi_items(), keys)
        return JSONResponse({collection.replace("-", "_"): found})

    async def _show_object(self, request: Request) -> Response:
        collection, object_id = request.path_params["what"], request.path_params["id"]
        for view in self._list_rows(collection)[0]:
            if view["id"] == object_id:
                return _build_response(collection, view)
        raise MISSING_ERRORS[collection](object_id)

    async def _show_quota(self, request: Request) -> Response:
        networking = self._networking
        counts = {
            "port": (networking.quota.ports, len(networking.ports)),
            "security_group": (networking.quota.groups, len(networking.groups)),
            "security_group_rule": (networking.quota.rules, len(networking.list_rules())),
        }
        rows = {name: {"limit": limit, "used": used, "reserved": 0} for name, (limit, used) in counts.items()}
        return JSONResponse({"quota": rows})

    async def _add_port(self, request: Request) -> Response:
        port = create_port(self._networking, await _read_object(request, "port"))
        return _build_response("ports", format_port(port), 201)

    async def _change_port(self, request: Request) -> Response:
        body = await _read_object(request, "port")
        port = self._networking.find_port(request.path_params["id"])
        port.revision.check(request.headers.get("If-Match", ""))
        change_port(self._networking, port, body)
        return _build_response("ports", format_port(port))

    async def _add_group(self, request: Request) -> Response:
        group = create_group(self._networking, await _read_object(request, "security_group"))
        return _build_response("security-groups", format_group(group), 201)

    async def _change_group(self, request: Request) -> Response:
        body = await _read_object(request, "security_group")
        group = self._networking.find_group(request.path_params["id"])
        group.revision.check(request.headers.get("If-Match", ""))
        change_group(self._networking, group, body)
        return _build_response("security-groups", format_group(group))

    async def _add_rules(self, request: Request) -> Response:
        """Add one rule, or all or none of many in one request: Heat 27 creates a group's rules so."""
        body = await _read_body(request)
        if RULES in body:
            rules = self._networking.add_rules(body[RULES])
            return JSONResponse({RULES: [format_rule(rule) for rule in rules]}, 201)
        (rule,) = self._networking.add_rules([await _read_object(request, "security_group_rule")])
        return _build_response("security-group-rules", format_rule(rule), 201)

    async def _change_rule(self, request: Request) -> Response:
        raise HTTPInternalServerError

    def _list_rows(self, collection: str) -> tuple[list[View], frozenset[str]]:
        """Return all rows of a list, and the keys of one."""
        networking = self._networking
        views: Mapping[str, Callable[[], list[View]]] = {
            "networks": lambda: [format_network()],
            "subnets": lambda: [format_subnet(networking)],
            "ports": lambda: [format_port(port) for port in networking.ports.values()],
            "security-groups": lambda: [format_group(group) for group in networking.groups.values()],
            "security-group-rules": lambda: [format_rule(rule) for rule in networking.list_rules()],
        }
        if collection not in views:
            raise NotFound("The resource could not be found.")
        rows = views[collection]()
        return rows, frozenset(rows[0]) if rows else PORT_KEYS


def build_network_error(request: Request, error: ApiError) -> Response:
    """Format an error as Neutron does."""
    attributes = {"type": error.error_type, "message": str(error), "detail": ""}
    return JSONResponse({"NeutronError": attributes}, error.status)


def _build_routes(method: str, path: str, endpoint: Endpoint) -> Iterable[Route]:
    return (Route(f"{ROOT_PATH}/{path}{suffix}", endpoint, methods=[method]) for suffix in (".json", ""))


def _build_removal(remove: Callable[[str], None]) -> Endpoint:
    async def remove_object(request: Request) -> Response:
        remove(request.path_params["id"])
        return Response(status_code=204)

    return remove_object


async def _read_body(request: Request) -> Mapping[str, Any]:
    try:
        return dict(await request.json())
    except (ValueError, TypeError) as error:
        raise HTTPBadRequest("Body contains invalid data") from error


async def _read_object(request: Request, key: str) -> dict[str, Any]:
    found = (await _read_body(request)).get(key)
    if not isinstance(found, dict):
        raise HTTPBadRequest(f"Unable to find '{key}' in request body")
    return found


def _build_response(collection: str, view: View, status_code: int = 200) -> Response:
    return JSONResponse({collection.replace("-", "_").removesuffix("s"): view}, status_code)
