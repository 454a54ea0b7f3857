"""Nova: reboots, changes and the record of actions, and the states in which each of them is refused."""

from __future__ import annotations

from typing import Any

from tests.contract.cloud.client import COMPUTE, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope, Document
from tests.contract.cloud.server_requests import (
    describe_answer,
    list_action_rows,
    read_task_state,
    run_server,
    start_slow_server,
)
from tests.contract.rule import Observation

area = CloudRuleArea("actions on servers")
TYPES = "['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']"


def describe_act(scope: CloudScope, server: str, action: str, values: object = None) -> str:
    return describe_answer(scope.act(server, action, values))


def rename(scope: CloudScope, server: str, **values: Any) -> str:
    return describe_answer(scope.send(COMPUTE, "PUT", f"/servers/{server}", {"server": values}))


def add_metadata(scope: CloudScope, server: str, **metadata: str) -> str:
    body = {"metadata": metadata}
    return describe_answer(scope.send(COMPUTE, "POST", f"/servers/{server}/metadata", body))


def refuse(action: str, state: str) -> str:
    return f"409 conflictingRequest: Cannot '{action}' instance <id> while it is in vm_state {state}"


@area.rule_of_scope(
    {
        "reboot": refuse("reboot", "building"),
        "resize": refuse("resize", "building"),
        "metadata": refuse("update metadata", "building"),
        "confirm": refuse("confirmResize", "building"),
        "rename": "200",
        "name": "kept",
    }
)
def a_server_in_build_can_be_renamed_and_nothing_else(scope: CloudScope) -> Observation:
    server, name = start_slow_server(scope), build_name()
    flavor = scope.find_flavor("m1.small")
    # A new name before there is a host gets lost or not, as Nova's processes happen to run.
    scope.await_value(lambda: read_task_state(scope, server), "spawning")
    return {
        "reboot": describe_act(scope, server, "reboot", {"type": "HARD"}),
        "resize": describe_act(scope, server, "resize", {"flavorRef": flavor}),
        "metadata": add_metadata(scope, server, one="1"),
        "confirm": describe_act(scope, server, "confirmResize"),
        "rename": rename(scope, server, name=name),
        "name": "kept" if scope.show("server", server)["name"] == name else "lost",
    }


@area.rule_of_scope(
    {
        "hard reboot": "409 conflictingRequest: Instance <id> is in an invalid state for 'reboot'",
        "soft reboot": refuse("reboot", "error"),
        "resize": refuse("resize", "error"),
        "metadata": refuse("update metadata", "error"),
        "still": "ERROR",
        "actions": [["create", "Error"]],
    }
)
def a_server_that_never_had_a_host_can_only_be_deleted(scope: CloudScope) -> Observation:
    server = run_server(scope, flavorRef=scope.find_flavor("no-host"))
    flavor = scope.find_flavor("m1.small")
    return {
        "hard reboot": describe_act(scope, server, "reboot", {"type": "HARD"}),
        "soft reboot": describe_act(scope, server, "reboot", {"type": "SOFT"}),
        "resize": describe_act(scope, server, "resize", {"flavorRef": flavor}),
        "metadata": add_metadata(scope, server, one="1"),
        "still": scope.read_status("server", server),
        "actions": scope.read_actions(server),
    }


@area.rule_of_scope({"SOFT": ["202", "Success", "ACTIVE"], "HARD": ["202", "Success", "ACTIVE"]})
def a_rebooted_server_is_active_again(scope: CloudScope) -> Observation:
    server, observed = run_server(scope), {}
    for kind in ("SOFT", "HARD"):
        answer = describe_act(scope, server, "reboot", {"type": kind})
        result = scope.await_action(server, "reboot")
        observed[kind] = [answer, result, scope.await_status("server", server, "ACTIVE", "ERROR")]
    return observed


@area.rule_of_scope(
    {
        "SOFT": ["202", "Success", "ACTIVE", False],
        "HARD": ["202", "Success", "ACTIVE", False],
    }
)
def nothing_tells_that_a_reboot_has_failed_if_the_server_still_runs(scope: CloudScope) -> Observation:
    server, observed = run_server(scope, name=f"{build_name()}-fail-reboot"), {}
    for kind in ("SOFT", "HARD"):
        answer = describe_act(scope, server, "reboot", {"type": kind})
        result = scope.await_action(server, "reboot")
        scope.await_status("server", server, "ACTIVE", "ERROR")
        shown = scope.show("server", server)
        observed[kind] = [answer, result, shown["status"], "fault" in shown]
    return observed


@area.rule_of_scope(
    {
        "wrong type": "400 badRequest: Invalid input for field/attribute type. Value: GENTLE. "
        f"'GENTLE' is not one of {TYPES}",
        "no type": "400 badRequest: Invalid input for field/attribute reboot. Value: <body>. "
        "'type' is a required property",
        "unknown action": "400 badRequest: There is no such action: dance",
        "two actions": "400 badRequest: Malformed request body",
        "unknown server": "404 itemNotFound: Instance no-such could not be found.",
    }
)
def an_action_that_nova_does_not_know_is_400(scope: CloudScope) -> Observation:
    server = run_server(scope)
    two = {"reboot": {"type": "SOFT"}, "confirmResize": None}
    return {
        "wrong type": describe_act(scope, server, "reboot", {"type": "GENTLE"}),
        "no type": describe_act(scope, server, "reboot", {}),
        "unknown action": describe_act(scope, server, "dance"),
        "two actions": describe_answer(scope.send(COMPUTE, "POST", f"/servers/{server}/action", two)),
        "unknown server": describe_act(scope, "no-such", "reboot", {"type": "SOFT"}),
    }


@area.rule_of_scope(
    {
        "names": ["reboot", "create"],
        "fields": [
            *(
                "action",
                "instance_uuid",
                "message",
                "project_id",
                "request_id",
                "start_time",
                "updated_at",
                "user_id",
            ),
        ],
        "messages": [None, None],
        "event": ["compute_reboot_instance", "Success"],
        "event's fields": ["event", "finish_time", "hostId", "result", "start_time"],
        "create": ["compute__do_build_and_run_instance", "Success"],
    }
)
def the_newest_action_is_first_and_has_its_events(scope: CloudScope) -> Observation:
    server = run_server(scope)
    scope.act(server, "reboot", {"type": "SOFT"})
    scope.await_action(server, "reboot")
    rows = list_action_rows(scope, server)
    events = [_read_events(scope, server, row) for row in rows]
    return {
        "names": [row["action"] for row in rows],
        "fields": sorted(rows[0]),
        "messages": [row["message"] for row in rows],
        "event": [events[0][0]["event"], events[0][0]["result"]],
        "event's fields": sorted(events[0][0]),
        "create": [events[1][0]["event"], events[1][0]["result"]],
    }


@area.rule_of_scope(["404 itemNotFound: Action req-no-such not found", True])
def an_unknown_action_of_a_server_is_404(scope: CloudScope) -> Observation:
    server = run_server(scope)
    answer = scope.send(COMPUTE, "GET", f"/servers/{server}/os-instance-actions/req-no-such")
    created = list_action_rows(scope, server)[0]
    return [describe_answer(answer), created["action"] == "create"]


@area.rule_of_scope(
    {
        "POST": {"a": "1", "b": "3", "c": "4"},
        "PUT": {"z": "9"},
        "PUT one": {"y": "8"},
        "PUT under another key": "400 badRequest: Request body and URI mismatch",
        "DELETE one": "204",
        "DELETE again": "404 itemNotFound: Metadata item was not found",
        "GET one": "404 itemNotFound: Metadata item was not found",
        "over 128": "403 forbidden: Maximum number of metadata items exceeds 128",
        "at last": {"y": "8"},
    }
)
def post_adds_metadata_and_put_replaces_them(scope: CloudScope) -> Observation:
    server = run_server(scope, metadata={"a": "1", "b": "2"})
    path = f"/servers/{server}/metadata"

    def send(method: str, key: str = "", body: object = None) -> Document:
        return dict(scope.send(COMPUTE, method, path + key, body).json())

    def describe(method: str, key: str, body: object = None) -> str:
        return describe_answer(scope.send(COMPUTE, method, path + key, body))

    return {
        "POST": send("POST", body={"metadata": {"b": "3", "c": "4"}})["metadata"],
        "PUT": send("PUT", body={"metadata": {"z": "9"}})["metadata"],
        "PUT one": send("PUT", "/y", {"meta": {"y": "8"}})["meta"],
        "PUT under another key": describe("PUT", "/y", {"meta": {"x": "8"}}),
        "DELETE one": describe("DELETE", "/z"),
        "DELETE again": describe("DELETE", "/z"),
        "GET one": describe("GET", "/z"),
        "over 128": describe("POST", "", {"metadata": {str(number): "" for number in range(128)}}),
        "at last": send("GET")["metadata"],
    }


INVALID_NAME = "400 badRequest: Invalid input for field/attribute name. Value: . ''"
CHANGES = {
    "shown": True,
    "empty": f"{INVALID_NAME} is too short",
    "user data": "400 badRequest: Invalid input for field/attribute server. Value: <body>. "
    "Additional properties are not allowed ('user_data' was unexpected)",
    "unknown": "404 itemNotFound: Instance no-such could not be found.",
}


@area.rule_of_scope(CHANGES, {**CHANGES, "empty": f"{INVALID_NAME} should be non-empty"})
def a_change_of_a_server_is_its_name_and_not_its_user_data(scope: CloudScope) -> Observation:
    server, name = start_slow_server(scope), build_name()
    answer = scope.send(COMPUTE, "PUT", f"/servers/{server}", {"server": {"name": name}})
    return {
        "shown": answer.json()["server"]["name"] == name,
        "empty": rename(scope, server, name=""),
        "user data": rename(scope, server, user_data="YQ=="),
        "unknown": rename(scope, "no-such", name=name),
    }


def _read_events(scope: CloudScope, server: str, row: Document) -> list[Document]:
    path = f"/servers/{server}/os-instance-actions/{row['request_id']}"
    return list(scope.read(COMPUTE, path)["instanceAction"]["events"])


@area.rule_of_scope(
    {
        "first page": [["unlock"], ["next"]],
        "second page": ["lock", "create"],
        "unknown marker": "400 badRequest: Marker None could not be found.",
        "limit": "400 badRequest: Invalid input for query parameters limit. Value: x. 'x' does not match '^[0-9]*$'",
    }
)
def the_actions_of_a_server_have_pages(scope: CloudScope) -> Observation:
    server = run_server(scope)
    for action in ("lock", "unlock"):
        scope.act(server, action)
    path = f"/servers/{server}/os-instance-actions"
    first = scope.read(COMPUTE, f"{path}?limit=1")
    marker = first["instanceActions"][0]["request_id"]
    second = scope.read(COMPUTE, f"{path}?marker={marker}")["instanceActions"]
    return {
        "first page": [
            [each["action"] for each in first["instanceActions"]],
            [each["rel"] for each in first["links"]],
        ],
        "second page": [each["action"] for each in second],
        "unknown marker": describe_answer(scope.send(COMPUTE, "GET", f"{path}?marker=no-such")),
        "limit": describe_answer(scope.send(COMPUTE, "GET", f"{path}?limit=x")),
    }
