"""Nova: tags of a server, which are added and removed one by one."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.cloud.server_requests import describe_answer, run_server, start_slow_server
from tests.contract.rule import Observation

area = CloudRuleArea("tags of servers")
BAD_TAG = (
    "400 badRequest: Tag '{0}' is invalid. It must be a non empty string without characters '/' and ','. "
    "Validation error message: '{0}' {1}"
)


@area.rule_of_scope(
    {
        "PUT": "201",
        "PUT again": "204",
        "GET": "204",
        "comma": BAD_TAG.format("a,b", "does not match '^[^,/]*$'"),
        "61 characters": BAD_TAG.format("a...", "is too long"),
        "listed": ["one", "two"],
        "DELETE": "204",
        "DELETE again": "404 itemNotFound: Instance <id> has no tag 'one'",
        "GET again": "404 itemNotFound: Server <id> has no tag 'one'",
        "PUT all": ["three"],
        "in BUILD": "409 conflictingRequest: Cannot 'update tag' instance <id> while it is in vm_state building",
    }
)
def tags_are_added_and_removed_one_by_one(scope: CloudScope) -> Observation:
    server, building = run_server(scope, tags=["one"]), start_slow_server(scope)
    path = f"/servers/{server}/tags"

    def send(method: str, tag: str) -> str:
        return describe_answer(scope.send(COMPUTE, method, f"{path}/{tag}"))

    return {
        "PUT": send("PUT", "two"),
        "PUT again": send("PUT", "two"),
        "GET": send("GET", "one"),
        "comma": send("PUT", "a,b"),
        "61 characters": send("PUT", "a" * 61),
        "listed": sorted(scope.read(COMPUTE, path)["tags"]),
        "DELETE": send("DELETE", "one"),
        "DELETE again": send("DELETE", "one"),
        "GET again": send("GET", "one"),
        "in BUILD": describe_answer(scope.send(COMPUTE, "PUT", f"/servers/{building}/tags/one")),
        "PUT all": scope.send(COMPUTE, "PUT", path, {"tags": ["three"]}).json()["tags"],
    }


@area.rule_of_scope({"tags": 1, "tags of both": 0, "tags-any": 2, "not-tags": 1, "not-tags-any": 0})
def lists_are_filtered_by_tags(scope: CloudScope) -> Observation:
    name = build_name()
    for number in (1, 2):
        start_slow_server(scope, tags=[name, f"{name}-{number}"])
    both = f"{name}-1,{name}-2"

    def count(query: str) -> int:
        return len(scope.read(COMPUTE, f"/servers?{query}")["servers"])

    return {
        "tags": count(f"tags={name},{name}-1"),
        "tags of both": count(f"tags={both}"),
        "tags-any": count(f"tags-any={both}"),
        "not-tags": count(f"tags={name}&not-tags={name}-1"),
        "not-tags-any": count(f"tags={name}&not-tags-any={both}"),
    }
