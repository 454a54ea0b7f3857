"""Nova: what a request for a server is answered, and what the new server shows at once."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import SLOW, CloudScope
from tests.contract.cloud.server_requests import (
    build_request,
    describe_answer,
    list_action_rows,
    request_server,
    run_server,
    start_slow_server,
)
from tests.contract.rule import Observation

area = CloudRuleArea("creation of servers")


@area.rule_of_scope(
    {
        "answer": "202",
        "fields": ["OS-DCF:diskConfig", "adminPass", "id", "links", "security_groups"],
        "location": "/servers/<id>",
        "status": "BUILD",
        "vm state": "building",
        "progress": 0,
        "power state": 0,
        "addresses": {},
        "then": "ACTIVE",
    }
)
def a_server_is_shown_in_build_as_soon_as_it_is_accepted(scope: CloudScope) -> Observation:
    request = {**scope.build_server(), "name": f"{build_name()}-{SLOW}"}
    answer = scope.request_creation("server", request)
    created = answer.json()["server"]
    shown = scope.show("server", created["id"])
    location = answer.headers.get("Location", "")
    return {
        "answer": describe_answer(answer),
        "fields": sorted(created),
        "location": f"/{'/'.join(location.split('/')[-2:])}".replace(created["id"], "<id>"),
        "status": shown["status"],
        "vm state": shown["OS-EXT-STS:vm_state"],
        "progress": shown["progress"],
        "power state": shown["OS-EXT-STS:power_state"],
        "addresses": shown["addresses"],
        "then": scope.await_status("server", created["id"], "ACTIVE", "ERROR"),
    }


@area.rule_of_scope([["role:source", "x"], True])
def tags_of_a_creation_are_there_at_once_in_the_server_and_in_the_list(scope: CloudScope) -> Observation:
    name = build_name()
    server = start_slow_server(scope, tags=[f"{name}:tag", "role:source"])
    listed = scope.read(COMPUTE, f"/servers?tags={name}:tag")["servers"]
    tags = [tag.replace(f"{name}:tag", "x") for tag in scope.show("server", server)["tags"]]
    return [sorted(tags), [each["id"] for each in listed] == [server]]


@area.rule_of_scope(
    "400 badRequest: Invalid input for field/attribute server. Value: <body>. "
    "Additional properties are not allowed ('tags' was unexpected)"
)
def a_creation_cannot_have_tags_before_2_52(scope: CloudScope) -> Observation:
    request = build_request(scope, tags=["one"])
    return describe_answer(scope.request_creation("server", request, version="2.51"))


@area.rule_of_scope(
    {
        "comma": "400 badRequest: Invalid input for field/attribute 0. Value: a,b. 'a,b' does not match '^[^,/]*$'",
        "slash": "400 badRequest: Invalid input for field/attribute 0. Value: a/b. 'a/b' does not match '^[^,/]*$'",
        "61": "400 badRequest: Invalid input for field/attribute 0. Value: a.... 'a...' is too long",
        "51 tags": "400 badRequest: Invalid input for field/attribute tags. Value: <body>. <body> is too long",
    }
)
def a_tag_has_60_characters_without_comma_or_slash_and_a_server_50_tags(scope: CloudScope) -> Observation:
    many = request_server(scope, tags=[f"t{number}" for number in range(51)])
    return {
        "comma": request_server(scope, tags=["a,b"]),
        "slash": request_server(scope, tags=["a/b"]),
        "61": request_server(scope, tags=["a" * 61]),
        "51 tags": many[: many.index("<body>. ") + 8] + "<body>" + many[many.rindex("]") + 1 :],
    }


@area.rule_of_scope(
    {
        "shown": {"one": "1", "other": "a" * 255},
        "256 characters": "400 badRequest: Invalid input for field/attribute key. Value: v.... 'v...' is too long",
        "a number": "400 badRequest: Invalid input for field/attribute key. Value: 1. 1 is not of type 'string'",
        "a bad key": "400 badRequest: Invalid input for field/attribute metadata. Value: <body>. "
        "'a/b' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'",
        "129 items": "403 forbidden: Maximum number of metadata items exceeds 128",
    }
)
def metadata_of_a_creation_are_there_at_once(scope: CloudScope) -> Observation:
    server = start_slow_server(scope, metadata={"one": "1", "other": "a" * 255})
    return {
        "shown": scope.show("server", server)["metadata"],
        "256 characters": request_server(scope, metadata={"key": "v" * 256}),
        "a number": request_server(scope, metadata={"key": 1}),
        "a bad key": request_server(scope, metadata={"a/b": "1"}),
        "129 items": request_server(scope, metadata={str(number): "" for number in range(129)}),
    }


@area.rule_of_scope(["202", "202"])
def two_servers_can_have_one_name(scope: CloudScope) -> Observation:
    name = build_name()
    return [request_server(scope, name=name), request_server(scope, name=name)]


@area.rule_of_scope(
    {
        "status": "ERROR",
        "task": None,
        "code": 500,
        "fault": "No valid host was found. ",
        "host": "",
        "addresses": {},
        "has progress": False,
        "actions": [["create", "Error"]],
    }
)
def a_server_without_a_host_ends_in_error(scope: CloudScope) -> Observation:
    server = scope.create_server(flavorRef=scope.find_flavor("no-host"))
    shown = scope.show("server", server)
    return {
        "status": shown["status"],
        "task": shown["OS-EXT-STS:task_state"],
        "code": shown["fault"]["code"],
        "fault": shown["fault"]["message"],
        "host": shown["hostId"],
        "addresses": shown["addresses"],
        "has progress": "progress" in shown,
        "actions": scope.read_actions(server),
    }


@area.rule_of_scope(
    [
        "ERROR",
        "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for "
        "instance <id>.",
        "",
        {},
        [["create", None]],
    ]
)
def a_server_that_no_host_can_spawn_is_tried_on_each_and_ends_in_error(
    scope: CloudScope,
) -> Observation:
    server = run_server(scope, flavorRef=scope.find_flavor("broken"))
    shown = scope.show("server", server)
    message = shown["fault"]["message"].replace(server, "<id>")
    actions = [[row["action"], row["message"]] for row in list_action_rows(scope, server)]
    return [shown["status"], message, shown["hostId"], shown["addresses"], actions]


@area.rule_of_scope(["True", ""])
def a_config_drive_is_shown_as_a_text(scope: CloudScope) -> Observation:
    servers = [start_slow_server(scope, config_drive=each) for each in (True, False)]
    return [scope.show("server", each)["config_drive"] for each in servers]
