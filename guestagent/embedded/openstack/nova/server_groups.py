"""Server groups: which hosts their servers get, and Nova's API for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME
from guestagent.embedded.openstack.nova.compute_server import HOSTS
from guestagent.embedded.openstack.nova.fault_response import build_fault
from guestagent.embedded.openstack.nova.quota import OverServerQuota
from guestagent.embedded.openstack.nova.request_checks import (
    check_choice,
    check_keys,
    check_name,
    read_object,
)
from guestagent.embedded.openstack.nova.servers import Compute

POLICIES = ["anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity"]
NO_HOST = ""
"""Of a server whose group leaves no host for it."""


@dataclass(slots=True)
class ServerGroup:
    """A group. Its servers stay members until they are gone."""

    name: str
    policy: str
    id: str = field(default_factory=generate_id)
    server_ids: list[str] = field(default_factory=list)


class ServerGroups:
    """The server groups of a cloud."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self.groups: dict[str, ServerGroup] = {}

    def create(self, name: str, policy: str) -> ServerGroup:
        """Create a group. Names are not unique."""
        if len(self.groups) >= self._compute.quota.server_groups:
            raise OverServerQuota("Forbidden", "Quota exceeded, too many server groups.")
        group = ServerGroup(name, policy)
        self.groups[group.id] = group
        return group

    def choose_host(self, group: ServerGroup) -> str:
        """Choose the host of a new member: one without another member if the group has to be spread."""
        members = self.list_members(group)
        if len(members) >= self._compute.quota.server_group_members:
            raise OverServerQuota("Forbidden", "Quota exceeded, too many servers in group")
        used = Counter(self._compute.servers[each].host for each in members)
        is_spread = group.policy.endswith("anti-affinity")
        host = min(HOSTS, key=lambda each: used[each] if is_spread else -used[each])
        has_room = not used[host] if is_spread else not used or bool(used[host])
        return host if has_room or group.policy.startswith("soft") else NO_HOST

    def list_groups_of(self, server_id: str) -> list[str]:
        """Return the ids of the groups of a server."""
        return [group.id for group in self.groups.values() if server_id in group.server_ids]

    def list_members(self, group: ServerGroup) -> list[str]:
        return [each for each in group.server_ids if self._compute.has_server(each)]


class ServerGroupApi:
    """The routes of server groups."""

    def __init__(self, groups: ServerGroups) -> None:
        self._groups = groups

    def build_routes(self, root_path: str) -> list[Route]:
        path = root_path + "/os-server-groups"
        return [
            Route(path, self._list_groups),
            Route(path, self._create_group, methods=["POST"]),
            Route(path + "/{id}", self._handle_group, methods=["GET", "DELETE"]),
        ]

    async def _list_groups(self, request: Request) -> Response:
        views = [self._format_group(group) for group in self._groups.groups.values()]
        return JSONResponse({"server_groups": views})

    async def _create_group(self, request: Request) -> Response:
        values = await read_object(request, "server_group")
        check_keys("server_group", values, {"name", "policy", "rules"}, ["name", "policy"])
        check_name(values["name"])
        check_choice("policy", values["policy"], POLICIES)
        try:
            group = self._groups.create(str(values["name"]), str(values["policy"]))
        except OverServerQuota as error:
            return build_fault(403, "forbidden", str(error))
        return JSONResponse({"server_group": self._format_group(group)})

    async def _handle_group(self, request: Request) -> Response:
        group = self._groups.groups.get(request.path_params["id"])
        if group is None:
            message = f"Instance group {request.path_params['id']} could not be found."
            return build_fault(404, "itemNotFound", message)
        if request.method == "DELETE":
            del self._groups.groups[group.id]
            return Response(status_code=204)
        return JSONResponse({"server_group": self._format_group(group)})

    def _format_group(self, group: ServerGroup) -> dict[str, Any]:
        return {
            "id": group.id,
            "name": group.name,
            "policy": group.policy,
            "rules": {},
            "members": self._groups.list_members(group),
            "project_id": PROJECT_NAME,
            "user_id": PROJECT_NAME,
        }
