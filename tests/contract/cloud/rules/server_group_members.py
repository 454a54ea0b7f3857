"""Nova: server groups, which keep their servers on different hosts."""

from __future__ import annotations

from typing import Any

from tests.contract.cloud.client import COMPUTE, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope, Document
from tests.contract.cloud.server_requests import describe_answer, request_member
from tests.contract.rule import Observation

area = CloudRuleArea("server groups")


def create_group(scope: CloudScope, policy: str = "anti-affinity", **values: Any) -> Document:
    return scope.create("server_group", {"name": build_name(), "policy": policy, **values})


def run_member(scope: CloudScope, group: str) -> Document:
    """Create a server in a group, and return its document when it is ACTIVE or in ERROR."""
    server = str(request_member(scope, group).json()["server"]["id"])
    scope.await_status("server", server, "ACTIVE", "ERROR")
    return scope.show("server", server)


@area.rule_of_scope(
    {
        "statuses": ["ACTIVE", "ACTIVE", "ERROR"],
        "hosts": 2,
        "fault": "No valid host was found. There are not enough hosts available.",
        "members": 3,
        "of the server": True,
        "delete": "204",
        "afterwards": ["ACTIVE", []],
    }
)
def a_group_leaves_no_host_for_a_third_server_on_two_hosts(scope: CloudScope) -> Observation:
    group = str(create_group(scope)["id"])
    servers = [run_member(scope, group) for _ in range(3)]
    members = scope.show("server_group", group)["members"]
    answer = scope.delete("server_group", group)
    first = scope.show("server", servers[0]["id"])
    return {
        "statuses": [each["status"] for each in servers],
        "hosts": len({each["hostId"] for each in servers[:2]}),
        "fault": servers[2].get("fault", {}).get("message"),
        "members": len(members),
        "of the server": servers[0]["server_groups"] == [group],
        "delete": describe_answer(answer),
        "afterwards": [first["status"], first["server_groups"]],
    }


@area.rule_of_scope(["ACTIVE", "ACTIVE", "ACTIVE"])
def a_soft_group_has_room_for_a_third_server_on_two_hosts(scope: CloudScope) -> Observation:
    group = str(create_group(scope, "soft-anti-affinity")["id"])
    return [run_member(scope, group)["status"] for _ in range(3)]


@area.rule_of_scope(
    {
        "fields": ["id", "members", "name", "policy", "project_id", "rules", "user_id"],
        "same name": True,
        "unknown policy": "400 badRequest: Invalid input for field/attribute policy. Value: nearby. 'nearby' is not "
        "one of ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity']",
        "unknown group": "404 itemNotFound: Instance group no-such could not be found.",
        "deleted": ["204", "404 itemNotFound: Instance group <id> could not be found."],
    }
)
def two_groups_can_have_one_name(scope: CloudScope) -> Observation:
    one = create_group(scope)
    other = create_group(scope, name=one["name"])
    values = {"name": build_name(), "policy": "nearby"}
    return {
        "fields": sorted(one),
        "same name": one["name"] == other["name"] and one["id"] != other["id"],
        "unknown policy": describe_answer(scope.request_creation("server_group", values)),
        "unknown group": describe_answer(scope.send(COMPUTE, "GET", "/os-server-groups/no-such")),
        "deleted": [describe_answer(scope.delete("server_group", one["id"])) for _ in range(2)],
    }


GROUP_NAME = (
    "400 badRequest: An invalid 'name' value was provided. The name must be: printable characters. Can not start or "
    "end with whitespace."
)


@area.rule_of_scope(
    {
        "256 characters": "400 badRequest: Invalid input for field/attribute name. Value: x.... 'x...' is too long",
        "255 characters": "200",
        "a space before": GROUP_NAME,
        "a tab": GROUP_NAME,
        "none": "400 badRequest: Invalid input for field/attribute name. Value: None. None is not of type 'string'",
        "other signs": "200",
    }
)
def the_name_of_a_group_is_like_that_of_a_server(scope: CloudScope) -> Observation:
    def ask(name: object) -> str:
        values = {"name": name, "policy": "soft-anti-affinity"}
        return describe_answer(scope.request_creation("server_group", values))

    return {
        "256 characters": ask("x" * 256),
        "255 characters": ask("y" * 255),
        "a space before": ask(" one"),
        "a tab": ask("one\ttwo"),
        "none": ask(None),
        "other signs": ask("a:b,c/d[e]{f}=g;h|i"),
    }
