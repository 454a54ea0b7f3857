"""Everything that a project has, and its use of the quotas."""

from __future__ import annotations

from typing import Any

from openstack.connection import Connection

from tests.support.raw_cloud import RawCloud

LISTS = (
    ("compute", "/servers/detail", "servers"),
    ("volume", "/volumes/detail", "volumes"),
    ("volume", "/attachments", "attachments"),
    ("network", "/ports", "ports"),
    ("network", "/security-groups", "security_groups"),
    ("network", "/security-group-rules", "security_group_rules"),
)

HEADERS = {"OpenStack-API-Version": "volume 3.42"}
"""Without it, Cinder has no list of attachments."""


def read_project(connection: Connection) -> dict[str, Any]:
    """Return the ids of all resources by kind, the names of the stacks, and what is used of each limit."""
    cloud = RawCloud(connection)
    state: dict[str, Any] = {}
    for service, path, key in LISTS:
        status, body = cloud.ask(service, "GET", path, headers=HEADERS)
        assert status == 200, (path, body)
        state[key] = sorted(each["id"] for each in body[key])
    state["stacks"] = sorted(stack.name for stack in connection.orchestration.stacks())
    for service in ("compute", "volume"):
        _, body = cloud.ask(service, "GET", "/limits")
        limits = body["limits"]["absolute"]
        state[f"{service} used"] = {
            name: value for name, value in limits.items() if name.startswith("total") and "Used" in name
        }
    return state
