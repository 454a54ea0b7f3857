"""Nova: the resize of a server, which has to be confirmed, and which can fail without a word."""

from __future__ import annotations

from typing import Any

from tests.contract.cloud.client import COMPUTE, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import FLAVOR, GONE, LARGER_FLAVOR, SLOW, CloudScope, Document
from tests.contract.cloud.server_requests import (
    OTHER_FLAVOR,
    describe_answer,
    list_action_rows,
    read_task_state,
    run_server,
    start_slow_server,
)
from tests.contract.rule import Observation

area = CloudRuleArea("resizes")
REQUEST_ID = "x-openstack-request-id"


def resize(scope: CloudScope, server: str, flavor: str = LARGER_FLAVOR) -> str:
    return describe_answer(scope.act(server, "resize", {"flavorRef": scope.find_flavor(flavor)}))


def run_resized_server(scope: CloudScope, **values: Any) -> str:
    """Return the id of a server in VERIFY_RESIZE."""
    server = run_server(scope, **values)
    resize(scope, server)
    scope.await_status("server", server, "VERIFY_RESIZE", "ERROR")
    return server


def describe_server(shown: Document) -> list[object]:
    return [shown["status"], shown["OS-EXT-STS:task_state"], shown["flavor"]["original_name"]]


def refuse(action: str, state: str) -> str:
    return f"409 conflictingRequest: Cannot '{action}' instance <id> while it is in {state}"


@area.rule_of_scope(
    {
        "answer": "202",
        "at once": "RESIZE",
        "then": ["VERIFY_RESIZE", None, LARGER_FLAVOR],
        "vm state": "resized",
        "host": "another one",
        "addresses": "the same",
    }
)
def a_resize_waits_on_another_host_for_its_confirmation(scope: CloudScope) -> Observation:
    server = str(scope.create("server", {**scope.build_server(), "name": f"{build_name()}-{SLOW}"})["id"])
    scope.await_status("server", server, "ACTIVE", "ERROR")
    before = scope.show("server", server)
    answer = resize(scope, server)
    status = scope.read_status("server", server)
    scope.await_status("server", server, "VERIFY_RESIZE", "ERROR")
    after = scope.show("server", server)
    return {
        "answer": answer,
        "at once": status,
        "then": describe_server(after),
        "vm state": after["OS-EXT-STS:vm_state"],
        "host": "the same" if after["hostId"] == before["hostId"] else "another one",
        "addresses": "the same" if after["addresses"] == before["addresses"] else after["addresses"],
    }


@area.rule_of_scope(
    {
        "answer": "204",
        "then": ["ACTIVE", None, LARGER_FLAVOR],
        "again": refuse("confirmResize", "vm_state active"),
        "actions": [["create", "Success"], ["resize", "Success"], ["confirmResize", "Success"]],
    }
)
def a_confirmed_resize_is_final(scope: CloudScope) -> Observation:
    server = run_resized_server(scope)
    answer = describe_answer(scope.act(server, "confirmResize"))
    scope.await_status("server", server, "ACTIVE", "ERROR")
    scope.await_action(server, "confirmResize")
    return {
        "answer": answer,
        "then": describe_server(scope.show("server", server)),
        "again": describe_answer(scope.act(server, "confirmResize")),
        "actions": scope.read_actions(server),
    }


@area.rule_of_scope(
    {
        "answer": "202",
        "then": ["ACTIVE", None, FLAVOR],
        "again": refuse("revertResize", "vm_state active"),
        "action": "Success",
    }
)
def a_reverted_resize_has_the_old_flavor(scope: CloudScope) -> Observation:
    server = run_resized_server(scope)
    answer = describe_answer(scope.act(server, "revertResize"))
    scope.await_status("server", server, "ACTIVE", "ERROR")
    return {
        "answer": answer,
        "then": describe_server(scope.show("server", server)),
        "again": describe_answer(scope.act(server, "revertResize")),
        "action": scope.await_action(server, "revertResize"),
    }


@area.rule_of_scope(
    {
        "confirm": refuse("confirmResize", "vm_state active"),
        "revert": refuse("revertResize", "vm_state active"),
        "same flavor": "400 badRequest: When resizing, instances must change flavor!",
        "unknown flavor": "400 badRequest: Flavor no-such could not be found.",
        "no flavor": "400 badRequest: Invalid input for field/attribute resize. Value: <body>. "
        "'flavorRef' is a required property",
    }
)
def a_resize_that_makes_no_sense_is_refused(scope: CloudScope) -> Observation:
    server = run_server(scope)
    return {
        "confirm": describe_answer(scope.act(server, "confirmResize")),
        "revert": describe_answer(scope.act(server, "revertResize")),
        "same flavor": resize(scope, server, FLAVOR),
        "unknown flavor": describe_answer(scope.act(server, "resize", {"flavorRef": "no-such"})),
        "no flavor": describe_answer(scope.act(server, "resize", {})),
    }


@area.rule_of_scope(
    {
        "resize": refuse("resize", "vm_state resized"),
        "reboot": refuse("reboot", "vm_state resized"),
        "still": ["VERIFY_RESIZE", None, LARGER_FLAVOR],
    }
)
def a_server_in_verify_resize_is_neither_resized_nor_rebooted(scope: CloudScope) -> Observation:
    server = run_resized_server(scope)
    return {
        "resize": resize(scope, server, OTHER_FLAVOR),
        "reboot": describe_answer(scope.act(server, "reboot", {"type": "SOFT"})),
        "still": describe_server(scope.show("server", server)),
    }


@area.rule_of_scope([refuse("resize", "task_state resize_migrating"), "VERIFY_RESIZE"])
def a_server_is_not_resized_twice_at_once(scope: CloudScope) -> Observation:
    server = start_slow_server(scope)
    scope.await_status("server", server, "ACTIVE", "ERROR")
    resize(scope, server)
    scope.await_value(lambda: read_task_state(scope, server), "resize_migrating")
    answer = resize(scope, server, OTHER_FLAVOR)
    return [answer, scope.await_status("server", server, "VERIFY_RESIZE", "ERROR")]


@area.rule_of_scope(
    {
        "cold_migrate": "Success",
        "compute_prep_resize": "Success",
        "compute_resize_instance": None,
        "conductor_migrate_server": "Success",
    }
)
def an_action_has_successful_events_before_it_has_ended(scope: CloudScope) -> Observation:
    server = start_slow_server(scope)
    scope.await_status("server", server, "ACTIVE", "ERROR")
    resize(scope, server)

    def read_events() -> dict[str, str | None]:
        [row, *_] = list_action_rows(scope, server)
        path = f"/servers/{server}/os-instance-actions/{row['request_id']}"
        return {
            each["event"]: each["result"] for each in scope.read(COMPUTE, path)["instanceAction"]["events"]
        }

    def is_leaving_its_host() -> bool:
        events = read_events()
        return "compute_resize_instance" in events and events["compute_prep_resize"] == "Success"

    scope.await_value(lambda: str(is_leaving_its_host()), "True")
    return read_events()


@area.rule_of_scope(
    {
        "answer": "202",
        "result": "Error",
        "message": "Error",
        "events": {"cold_migrate": "Error", "conductor_migrate_server": "Error"},
        "then": ["ACTIVE", None, FLAVOR],
        "has fault": False,
    }
)
def only_the_action_tells_that_no_host_had_room_for_a_resize(scope: CloudScope) -> Observation:
    server = run_server(scope)
    answer = resize(scope, server, "no-host")
    result = scope.await_action(server, "resize")
    scope.await_status("server", server, "ACTIVE", "ERROR")
    shown, row = scope.show("server", server), list_action_rows(scope, server)[0]
    path = f"/servers/{server}/os-instance-actions/{row['request_id']}"
    events = scope.read(COMPUTE, path)["instanceAction"]["events"]
    return {
        "answer": answer,
        "result": result,
        "message": row["message"],
        "events": {each["event"]: each["result"] for each in events},
        "then": describe_server(shown),
        "has fault": "fault" in shown,
    }


@area.rule_of_scope(
    {
        "answer": "202",
        "then": ["ERROR", None, FLAVOR],
        "fault": ["code", "created", "message"],
        "result": "Error",
        "confirm": refuse("confirmResize", "vm_state error"),
        "revert": refuse("revertResize", "vm_state error"),
        "hard reboot": "202",
        "at last": ["ACTIVE", None, FLAVOR],
    }
)
def a_resize_that_fails_on_the_new_host_ends_in_error_with_the_old_flavor(scope: CloudScope) -> Observation:
    server = run_server(scope)
    answer = resize(scope, server, "broken")
    scope.await_status("server", server, "ERROR", "ACTIVE", "VERIFY_RESIZE")
    # Before its end all events of the action are successes, too.
    result = scope.await_action(server, "resize", "Error")
    scope.await_value(lambda: read_task_state(scope, server), "None")
    shown = scope.show("server", server)
    answers = {name: describe_answer(scope.act(server, f"{name}Resize")) for name in ("confirm", "revert")}
    rebooted = describe_answer(scope.act(server, "reboot", {"type": "HARD"}))
    scope.await_status("server", server, "ACTIVE")
    return {
        "answer": answer,
        "then": describe_server(shown),
        "fault": sorted(shown["fault"]),
        "result": result,
        **answers,
        "hard reboot": rebooted,
        "at last": describe_server(scope.show("server", server)),
    }


@area.rule_of_scope([True, "Success"])
def the_action_has_the_request_id_of_the_answer(scope: CloudScope) -> Observation:
    server = run_server(scope)
    answer = scope.act(server, "resize", {"flavorRef": scope.find_flavor(LARGER_FLAVOR)})
    row = list_action_rows(scope, server)[0]
    return [row["request_id"] == answer.headers[REQUEST_ID], scope.await_action(server, "resize")]


@area.rule_of_scope(["204", GONE])
def a_server_in_verify_resize_can_be_deleted(scope: CloudScope) -> Observation:
    server = run_resized_server(scope)
    answer = describe_answer(scope.delete("server", server))
    return [answer, scope.await_status("server", server, GONE)]
