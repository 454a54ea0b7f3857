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
    NeutronNetwork,
    Port,
    SecurityGroup,
    SecurityGroupRule,
)

ROOT_PATH = "/network/v2.0"
RULE_KEYS = (
    "direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id",
)  # fmt: skip

NetworkRow = Mapping[str, object]
Endpoint = Callable[[Request], Awaitable[Response]]


class NetworkApi:
    """The network service, below /network."""

    def __init__(self, networking: NeutronNetwork) -> None:
        self._networking = networking

    def build_routes(self) -> list[Route]:
        """neutronclient has no suffix, older ones end in .json: Heat's too."""
        there = self._networking
        return [
            Route("/network", self._versions),
            Route("/network/", self._versions),
            *_both("GET", "extensions", self._extensions),
            *_both("POST", "ports", self._add_port),
            *_both("PUT", "ports/{id}", self._change_port),
            *_both("DELETE", "ports/{id}", _removal(there.remove_port)),
            *_both("POST", "security-groups", self._add_group),
            *_both("PUT", "security-groups/{id}", self._change_group),
            *_both("DELETE", "security-groups/{id}", _removal(there.remove_group)),
            *_both("POST", "security-group-rules", self._add_rule),
            *_both("DELETE", "security-group-rules/{id}", _removal(there.remove_rule)),
            *_both("GET", "{what}", self._list),
            *_both("GET", "{what}/{id}", self._show),
        ]

    async def _versions(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{request.base_url}network/v2.0/"}]
        return JSONResponse({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}, 300)

    async def _extensions(self, request: Request) -> Response:
        shown: list[NetworkRow] = [
            {"alias": alias, "name": alias, "description": "", "updated": "", "links": []}
            for alias in ("security-group", "port-security")
        ]
        return JSONResponse({"extensions": shown})

    async def _list(self, request: Request) -> Response:
        what, asked = request.path_params["what"], request.query_params
        rows = [] if asked.get("marker") else self._rows(what)
        matching = [row for row in rows if all(_is(row, key, asked.getlist(key)) for key in asked)]
        return JSONResponse({what.replace("-", "_"): matching})

    async def _show(self, request: Request) -> Response:
        what, wanted = request.path_params["what"], request.path_params["id"]
        for row in self._rows(what):
            if row["id"] == wanted:
                return _one(what, row)
        raise NotFound(f"{what} {wanted} could not be found.")

    async def _add_port(self, request: Request) -> Response:
        asked = await _asked(request, "port")
        fixed = asked.get("fixed_ips") or [{}]
        groups = self._default() if asked.get("security_groups") is None else asked["security_groups"]
        try:
            port = self._networking.add_port(asked.get("name") or "", groups, fixed[0].get("ip_address"))
        except ResourceFailure as error:
            raise HTTPBadRequest(str(error)) from error
        port.server_id = str(asked.get("device_id") or "")
        return _one("ports", _port(port), 201)

    async def _change_port(self, request: Request) -> Response:
        port, asked = self._networking.find_port(request.path_params["id"]), await _asked(request, "port")
        port.name = str(asked.get("name", port.name))
        port.server_id = str(asked.get("device_id", port.server_id))
        port.groups = [
            self._networking.find_group(each).id for each in asked.get("security_groups", port.groups)
        ]
        return _one("ports", _port(port))

    async def _add_group(self, request: Request) -> Response:
        asked = await _asked(request, "security_group")
        group = self._networking.add_group(str(asked.get("name", "")), str(asked.get("description") or ""))
        return _one("security-groups", _group(group), 201)

    async def _change_group(self, request: Request) -> Response:
        group = self._networking.find_group(request.path_params["id"])
        asked = await _asked(request, "security_group")
        group.name = str(asked.get("name", group.name))
        group.description = str(asked.get("description", group.description))
        return _one("security-groups", _group(group))

    async def _add_rule(self, request: Request) -> Response:
        """One rule, or many in one request, of which then all are made or none: so Heat 27 makes a group's."""
        many = "security_group_rules"
        if many not in await _body(request):
            return _one(
                "security-group-rules", _rule(self._add(await _asked(request, "security_group_rule"))), 201
            )
        made: list[SecurityGroupRule] = []
        try:
            for asked in (await _body(request))[many]:
                made.append(self._add(asked))
        except ApiError:
            for rule in made:
                self._networking.remove_rule(rule.id)
            raise
        return JSONResponse({many: [_rule(rule) for rule in made]}, 201)

    def _add(self, asked: Mapping[str, Any]) -> SecurityGroupRule:
        said = {key: asked[key] for key in RULE_KEYS if asked.get(key) is not None}
        return self._networking.add_rule(str(asked.get("security_group_id")), said)

    def _default(self) -> list[str]:
        return [next(iter(self._networking.groups))]

    def _rows(self, what: str) -> list[NetworkRow]:
        there = self._networking
        views: Mapping[str, Callable[[], list[NetworkRow]]] = {
            "networks": lambda: [_NETWORK],
            "subnets": lambda: [_subnet(there)],
            "ports": lambda: [_port(port) for port in there.ports.values()],
            "security-groups": lambda: [_group(group) for group in there.groups.values()],
            "security-group-rules": lambda: [_rule(rule) for rule in there.list_rules()],
        }
        return views[what]() if what in views else []


def build_network_error(request: Request, refusal: ApiError) -> Response:
    """A refusal in the body that Neutron gives it."""
    kind = {404: "NotFound", 409: "Conflict"}.get(refusal.status, refusal.error_type)
    said = {"type": kind, "message": str(refusal), "detail": ""}
    return JSONResponse({"NeutronError": said}, refusal.status)


def _both(method: str, path: str, endpoint: Endpoint) -> Iterable[Route]:
    return (Route(f"{ROOT_PATH}/{path}{suffix}", endpoint, methods=[method]) for suffix in (".json", ""))


def _removal(remove: Callable[[str], None]) -> Endpoint:
    async def removed(request: Request) -> Response:
        remove(request.path_params["id"])
        return Response(status_code=204)

    return removed


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        return dict(await request.json())
    except (ValueError, TypeError) as error:
        raise HTTPBadRequest("The request body is no JSON object") from error


async def _asked(request: Request, key: str) -> dict[str, Any]:
    try:
        return dict((await request.json())[key])
    except (ValueError, KeyError, TypeError) as error:
        raise HTTPBadRequest(f"Unable to find '{key}' in request body") from error


def _one(what: str, row: NetworkRow, code: int = 200) -> Response:
    return JSONResponse({what.replace("-", "_").removesuffix("s"): row}, code)


def _is(row: NetworkRow, key: str, wanted: list[str]) -> bool:
    """Whether a filter lets a row through; what is no field of it (limit, fields) is no filter."""
    return key not in row or str(row[key]) in wanted


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


def _subnet(there: NeutronNetwork) -> NetworkRow:
    return {
        "id": SUBNET_ID,
        "name": SUBNET_NAME,
        "tenant_id": PROJECT_NAME,
        "network_id": NETWORK_ID,
        "cidr": str(there.network),
        "ip_version": there.network.version,
        "gateway_ip": there.gateway,
        "enable_dhcp": False,
    }


def _port(port: Port) -> NetworkRow:
    return {
        "id": port.id,
        "name": port.name,
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


def _group(group: SecurityGroup) -> NetworkRow:
    rules = [_rule(rule) for rule in group.rules]
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "tenant_id": PROJECT_NAME,
        "project_id": PROJECT_NAME,
        "security_group_rules": rules,
    }


def _rule(rule: SecurityGroupRule) -> NetworkRow:
    said = {key: rule.attributes.get(key) for key in RULE_KEYS}
    return {"id": rule.id, "security_group_id": rule.group, "tenant_id": PROJECT_NAME, **said}
