"""Nova: the end of a server, and what can still be read of it."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import GONE, CloudScope
from tests.contract.cloud.server_requests import (
    UNKNOWN_ID,
    describe_answer,
    list_action_rows,
    run_server,
    start_server,
    start_slow_server,
)
from tests.contract.rule import Observation

area = CloudRuleArea("deletion of servers")
NOT_FOUND = "404 itemNotFound: Instance <id> could not be found."
LOCKED = "409 conflictingRequest: Instance <id> is locked"


def read_state(scope: CloudScope, server: str) -> str:
    """Return a server's status and its task state, or that it is gone."""
    shown = scope.show("server", server)
    return f"{shown['status']}/{shown['OS-EXT-STS:task_state']}" if shown else GONE


def list_states_until_gone(scope: CloudScope, server: str) -> set[str]:
    """Return the statuses with their task states that were seen before the server was gone."""
    states: set[str] = set()

    def read() -> str:
        states.add(state := read_state(scope, server))
        return state

    scope.await_value(read, GONE)
    return states - {GONE}


@area.rule_of_scope({"answer": "204", "others than these": [], "then": [NOT_FOUND, NOT_FOUND], "listed": []})
def a_server_stays_active_until_it_is_gone(scope: CloudScope) -> Observation:
    name = build_name()
    server = run_server(scope, name=name)
    answer = scope.delete("server", server)
    states = list_states_until_gone(scope, server)
    return {
        "answer": describe_answer(answer),
        "others than these": sorted(states - {"ACTIVE/deleting", "ACTIVE/None", "DELETED/None"}),
        "then": [
            describe_answer(scope.send(COMPUTE, "GET", f"/servers/{server}")),
            describe_answer(scope.delete("server", server)),
        ],
        "listed": scope.read(COMPUTE, f"/servers?name={name}")["servers"],
    }


@area.rule_of_scope({"answers": ["204", "204"], "first": "BUILD/deleting", "others than these": []})
def a_server_in_build_is_deleted_when_it_has_been_spawned(scope: CloudScope) -> Observation:
    server = start_slow_server(scope)
    scope.await_value(lambda: read_state(scope, server), "BUILD/spawning", "ACTIVE/None")
    answers = [describe_answer(scope.delete("server", server)) for _ in range(2)]
    first = read_state(scope, server)
    states = list_states_until_gone(scope, server)
    return {
        "answers": answers,
        "first": first,
        "others than these": sorted(
            states - {"BUILD/deleting", "BUILD/spawning", "ACTIVE/deleting", "ACTIVE/None", "DELETED/None"}
        ),
    }


@area.rule_of_scope(["ERROR", "204", GONE])
def a_server_in_error_is_deleted_like_any_other(scope: CloudScope) -> Observation:
    server = run_server(scope, flavorRef=scope.find_flavor("no-host"))
    status = scope.read_status("server", server)
    answer = describe_answer(scope.delete("server", server))
    return [status, answer, scope.await_status("server", server, GONE)]


@area.rule_of_scope([NOT_FOUND, "404 itemNotFound: Instance no-such could not be found.", NOT_FOUND])
def a_server_that_is_not_there_is_404(scope: CloudScope) -> Observation:
    return [
        describe_answer(scope.send(COMPUTE, "GET", f"/servers/{UNKNOWN_ID}")),
        describe_answer(scope.send(COMPUTE, "GET", "/servers/no-such")),
        describe_answer(scope.delete("server", UNKNOWN_ID)),
    ]


@area.rule_of_scope([["delete", "create"], "Success"])
def the_actions_of_a_deleted_server_can_be_read(scope: CloudScope) -> Observation:
    server = run_server(scope)
    scope.delete("server", server)
    scope.await_status("server", server, GONE)
    names = [each["action"] for each in list_action_rows(scope, server)]
    return [names, scope.await_action(server, "delete")]


@area.rule_of_scope([["DELETED"], []])
def only_a_list_of_changes_shows_a_deleted_server(scope: CloudScope) -> Observation:
    name = build_name()
    server = run_server(scope, name=name)
    created = scope.show("server", server)["created"]
    scope.delete("server", server)
    scope.await_status("server", server, GONE)
    paths = (
        f"/servers/detail?changes-since={created}&name={name}",
        f"/servers/detail?deleted=true&name={name}",
    )
    return [[each["status"] for each in scope.read(COMPUTE, path)["servers"]] for path in paths]


@area.rule_of_scope(
    {
        "lock": "202",
        "shown": True,
        "delete": LOCKED,
        "reboot": LOCKED,
        "resize": LOCKED,
        "metadata": LOCKED,
        "unlock": "202",
        "then": "204",
    }
)
def a_locked_server_is_neither_deleted_nor_changed_by_its_owner(scope: CloudScope) -> Observation:
    server = run_server(scope)
    return {
        "lock": describe_answer(scope.act(server, "lock")),
        "shown": scope.show("server", server)["locked"],
        "delete": describe_answer(scope.delete("server", server)),
        "reboot": describe_answer(scope.act(server, "reboot", {"type": "HARD"})),
        "resize": describe_answer(scope.act(server, "resize", {"flavorRef": scope.find_flavor("m1.small")})),
        "metadata": describe_answer(
            scope.send(COMPUTE, "POST", f"/servers/{server}/metadata", {"metadata": {"a": "1"}})
        ),
        "unlock": describe_answer(scope.act(server, "unlock")),
        "then": describe_answer(scope.delete("server", server)),
    }


@area.rule_of_scope(["204", "another one"])
def a_name_is_free_at_once(scope: CloudScope) -> Observation:
    name = build_name()
    server = run_server(scope, name=name)
    answer = describe_answer(scope.delete("server", server))
    other = start_server(scope, name=name)
    return [answer, "the same" if other == server else "another one"]
