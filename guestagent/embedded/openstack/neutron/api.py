"""Neutron over the one network: ports with addresses; security groups and rules, which are kept and filter nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import ApiError, HTTPBadRequest, NotFound, ResourceFailure
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME
from guestagent.embedded.openstack.neutron.network import (
    NETWORK_ID,
    NETWORK_NAME,
    SUBNET_ID,
    SUBNET_NAME,
    InUse,
    NeutronNetwork,
    OverQuota,
    Port,
    RuleExists,
    SecurityGroup,
    SecurityGroupRule,
)

ROOT_PATH = "/network/v2.0"
RULE_KEYS = (
    "direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id",
)  # fmt: skip

ERROR_TYPES: Mapping[type[ApiError], str] = {
    InUse: "SecurityGroupInUse",
    RuleExists: "SecurityGroupRuleExists",
    OverQuota: "OverQuota",
}
"""The types in errors, by which a client tells one 409 from another."""

NetworkRow = Mapping[str, object]
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
            *_build_routes("POST", "security-group-rules", self._add_rule),
            *_build_routes("DELETE", "security-group-rules/{id}", _build_removal(networking.remove_rule)),
            *_build_routes("GET", "quotas/{project}/details", self._show_quota),
            *_build_routes("GET", "{what}", self._list_objects),
            *_build_routes("GET", "{what}/{id}", self._show_object),
        ]

    async def _show_versions(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{request.base_url}network/v2.0/"}]
        return JSONResponse({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}, 300)

    async def _list_extensions(self, request: Request) -> Response:
        extensions: list[NetworkRow] = [
            {"alias": alias, "name": alias, "description": "", "updated": "", "links": []}
            for alias in ("security-group", "port-security")
        ]
        return JSONResponse({"extensions": extensions})

    async def _list_objects(self, request: Request) -> Response:
        collection, attributes = request.path_params["what"], request.query_params
        rows = [] if attributes.get("marker") else self._list_rows(collection)
        matching = [
            view
            for view in rows
            if all(_matches_filter(view, key, attributes.getlist(key)) for key in attributes)
        ]
        return JSONResponse({collection.replace("-", "_"): matching})

    async def _show_object(self, request: Request) -> Response:
        collection, object_id = request.path_params["what"], request.path_params["id"]
        for view in self._list_rows(collection):
            if view["id"] == object_id:
                return _build_response(collection, view)
        raise NotFound(f"{collection} {object_id} could not be found.")

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
        attributes = await _read_object(request, "port")
        fixed_ips = attributes.get("fixed_ips") or [{}]
        groups = (
            self._get_default_groups()
            if attributes.get("security_groups") is None
            else attributes["security_groups"]
        )
        try:
            port = self._networking.add_port(
                attributes.get("name") or "", groups, fixed_ips[0].get("ip_address")
            )
        except ResourceFailure as error:
            raise HTTPBadRequest(str(error)) from error
        port.server_id = str(attributes.get("device_id") or "")
        port.description = str(attributes.get("description") or "")
        return _build_response("ports", _format_port(port), 201)

    async def _change_port(self, request: Request) -> Response:
        port, attributes = (
            self._networking.find_port(request.path_params["id"]),
            await _read_object(request, "port"),
        )
        port.name = str(attributes.get("name", port.name))
        port.description = str(attributes.get("description", port.description))
        port.server_id = str(attributes.get("device_id", port.server_id))
        port.groups = [
            self._networking.find_group(group_id).id
            for group_id in attributes.get("security_groups", port.groups)
        ]
        return _build_response("ports", _format_port(port))

    async def _add_group(self, request: Request) -> Response:
        attributes = await _read_object(request, "security_group")
        group = self._networking.add_group(
            str(attributes.get("name", "")), str(attributes.get("description") or "")
        )
        return _build_response("security-groups", _format_group(group), 201)

    async def _change_group(self, request: Request) -> Response:
        group = self._networking.find_group(request.path_params["id"])
        attributes = await _read_object(request, "security_group")
        group.name = str(attributes.get("name", group.name))
        group.description = str(attributes.get("description", group.description))
        return _build_response("security-groups", _format_group(group))

    async def _add_rule(self, request: Request) -> Response:
        """Add one rule, or all or none of many in one request: Heat 27 creates a group's rules so."""
        plural = "security_group_rules"
        if plural not in await _read_body(request):
            return _build_response(
                "security-group-rules",
                _format_rule(self._create_rule(await _read_object(request, "security_group_rule"))),
                201,
            )
        rules: list[SecurityGroupRule] = []
        try:
            for attributes in (await _read_body(request))[plural]:
                rules.append(self._create_rule(attributes))
        except ApiError:
            for rule in rules:
                self._networking.remove_rule(rule.id)
            raise
        return JSONResponse({plural: [_format_rule(rule) for rule in rules]}, 201)

    def _create_rule(self, attributes: Mapping[str, Any]) -> SecurityGroupRule:
        rule_attributes = {key: attributes[key] for key in RULE_KEYS if attributes.get(key) is not None}
        return self._networking.add_rule(str(attributes.get("security_group_id")), rule_attributes)

    def _get_default_groups(self) -> list[str]:
        return [next(iter(self._networking.groups))]

    def _list_rows(self, collection: str) -> list[NetworkRow]:
        networking = self._networking
        views: Mapping[str, Callable[[], list[NetworkRow]]] = {
            "networks": lambda: [_NETWORK],
            "subnets": lambda: [_format_subnet(networking)],
            "ports": lambda: [_format_port(port) for port in networking.ports.values()],
            "security-groups": lambda: [_format_group(group) for group in networking.groups.values()],
            "security-group-rules": lambda: [_format_rule(rule) for rule in networking.list_rules()],
        }
        return views[collection]() if collection in views else []


def build_network_error(request: Request, error: ApiError) -> Response:
    """Format an error as Neutron does."""
    error_type = ERROR_TYPES.get(type(error)) or {404: "NotFound"}.get(error.status, error.error_type)
    rule_attributes = {"type": error_type, "message": str(error), "detail": ""}
    return JSONResponse({"NeutronError": rule_attributes}, error.status)


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
        raise HTTPBadRequest("The request body is no JSON object") from error


async def _read_object(request: Request, key: str) -> dict[str, Any]:
    try:
        return dict((await request.json())[key])
    except (ValueError, KeyError, TypeError) as error:
        raise HTTPBadRequest(f"Unable to find '{key}' in request body") from error


def _build_response(collection: str, view: NetworkRow, status_code: int = 200) -> Response:
    return JSONResponse({collection.replace("-", "_").removesuffix("s"): view}, status_code)


def _matches_filter(view: NetworkRow, key: str, object_id: list[str]) -> bool:
    """Whether a row matches a filter. Parameters that are no fields of it (limit, fields) are no filters."""
    return key not in view or str(view[key]) in object_id


_NETWORK: NetworkRow = {
    "id": NETWORK_ID,
    "name": NETWORK_NAME,
    "tenant_id": PROJECT_NAME,
    "subnets": [SUBNET_ID],
    "status": "ACTIVE",
    "admin_state_up": True,
    "shared": True,
    "router:external": False,
}


def _format_subnet(networking: NeutronNetwork) -> NetworkRow:
    return {
        "id": SUBNET_ID,
        "name": SUBNET_NAME,
        "tenant_id": PROJECT_NAME,
        "network_id": NETWORK_ID,
        "cidr": str(networking.network),
        "ip_version": networking.network.version,
        "gateway_ip": networking.gateway,
        "enable_dhcp": False,
    }


def _format_port(port: Port) -> NetworkRow:
    return {
        "id": port.id,
        "name": port.name,
        "description": port.description,
        "tenant_id": PROJECT_NAME,
        "network_id": NETWORK_ID,
        "fixed_ips": [{"subnet_id": SUBNET_ID, "ip_address": port.address}],
        "mac_address": port.mac,
        "security_groups": port.groups,
        "device_id": port.server_id,
        "device_owner": "compute:nova" if port.server_id else "",
        "allowed_address_pairs": [],
        "port_security_enabled": True,
        "admin_state_up": True,
        "status": "ACTIVE" if port.server_id else "DOWN",
    }


def _format_group(group: SecurityGroup) -> NetworkRow:
    rules = [_format_rule(rule) for rule in group.rules]
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "tenant_id": PROJECT_NAME,
        "project_id": PROJECT_NAME,
        "security_group_rules": rules,
    }


def _format_rule(rule: SecurityGroupRule) -> NetworkRow:
    rule_attributes = {key: rule.attributes.get(key) for key in RULE_KEYS}
    return {"id": rule.id, "security_group_id": rule.group, "tenant_id": PROJECT_NAME, **rule_attributes}
