"""Nova's API for what the project has room for: its limits with what is used, and the availability zones."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.openstack.nova.compute_server import ZONE_NAME
from guestagent.embedded.openstack.nova.metadata_rules import ITEMS_LIMIT
from guestagent.embedded.openstack.nova.microversions import read_microversion
from guestagent.embedded.openstack.nova.server_groups import ServerGroups
from guestagent.embedded.openstack.nova.servers import Compute

KEY_PAIRS_LIMIT = 100
FILES_END = (2, 57)
"""From this microversion on a new server cannot have files of its own."""


class LimitsApi:
    """The routes of limits and zones."""

    def __init__(self, compute: Compute, groups: ServerGroups) -> None:
        self._compute, self._groups = compute, groups

    def build_routes(self, root_path: str) -> list[Route]:
        return [
            Route(root_path + "/limits", self._show_limits),
            Route(root_path + "/os-availability-zone", self._list_zones),
        ]

    async def _show_limits(self, request: Request) -> Response:
        """Show the limits, which Heat reads, too, before it creates a server."""
        quota, flavors = self._compute.quota, [server.flavor for server in self._compute.servers.values()]
        absolute = {
            "maxServerMeta": ITEMS_LIMIT,
            "maxTotalInstances": quota.instances,
            "maxTotalCores": quota.cores,
            "maxTotalRAMSize": quota.ram_mib,
            "maxTotalKeypairs": KEY_PAIRS_LIMIT,
            "maxServerGroups": quota.server_groups,
            "maxServerGroupMembers": quota.server_group_members,
            "totalInstancesUsed": len(flavors),
            "totalCoresUsed": sum(flavor.vcpus for flavor in flavors),
            "totalRAMUsed": sum(flavor.memory_mb for flavor in flavors),
            "totalServerGroupsUsed": len(self._groups.groups),
        }
        if read_microversion(request) < FILES_END:
            absolute |= {"maxPersonality": 5, "maxPersonalitySize": 10240}
        return JSONResponse({"limits": {"rate": [], "absolute": absolute}})

    async def _list_zones(self, request: Request) -> Response:
        zone = {"zoneName": ZONE_NAME, "zoneState": {"available": True}, "hosts": None}
        return JSONResponse({"availabilityZoneInfo": [zone]})
