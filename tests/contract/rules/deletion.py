"""Deletion: repeated, during other actions, and what remains."""

from __future__ import annotations

from tests.contract.guest import build_body, signal_handle
from tests.contract.heat import HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import cfn, condition, handle, random_string, value

area = HeatRuleArea("deletion")


@area.rule([204, "GONE"])
def a_stack_is_deleted(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled()

    answer = stack.request(method="DELETE")

    return [answer.status_code, stack.wait_until_settled().read_state()]


@area.rule([200, "DELETE_COMPLETE", "Stack DELETE completed successfully"])
def a_deleted_stack_is_shown_by_its_id(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled().delete().wait_until_settled()

    response = stack.request("?resolve_outputs=false")
    return [
        response.status_code,
        response.json()["stack"]["stack_status"],
        response.json()["stack"]["stack_status_reason"],
    ]


@area.rule("404 EntityNotFound: The Stack (<stack>) could not be found.")
def a_deleted_stack_is_not_found_by_its_name(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled().delete().wait_until_settled()
    return format_response(heat.request("GET", f"/stacks/{stack.name}"))


@area.rule(["DELETE_COMPLETE"])
def a_deleted_stack_is_listed_where_asked_for(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled().delete().wait_until_settled()
    rows = heat.request("GET", f"/stacks?show_deleted=true&id={stack.id}").json()["stacks"]
    return [row["stack_status"] for row in rows]


@area.rule("404 EntityNotFound: The Stack (<stack>) could not be found.")
def a_deleted_stack_cannot_be_deleted_again(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled().delete().wait_until_settled()
    return format_response(stack.request(method="DELETE"))


@area.rule("404 EntityNotFound: The Stack (<stack>) could not be found.")
def an_update_of_a_deleted_stack_is_rejected(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled().delete().wait_until_settled()
    return format_response(stack.request(method="PUT", json={"template": cfn(V=value())}))


@area.rule([204, 204, "GONE"])
def a_deletion_may_be_requested_twice(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(A=value(), B=value(DependsOn="A"))).wait_until_settled()

    answers = [stack.request(method="DELETE").status_code for _ in range(2)]

    return [*answers, stack.wait_until_settled().read_state()]


@area.rule("GONE")
def a_stack_whose_condition_waits_is_deleted_at_once(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(H=handle(), W=condition(timeout=3600))).wait_for_resource(
        "W", "CREATE_IN_PROGRESS"
    )
    return stack.delete().wait_until_settled().read_state()


@area.rule("GONE")
def a_failed_stack_is_deleted(heat: HeatClient) -> Observation:
    stack = signal_handle(
        heat.create_stack(cfn(H=handle(), W=condition())), "H", build_body("FAILURE")
    ).wait_until_settled()
    return stack.delete().wait_until_settled().read_state()


@area.rule("GONE")
def a_stack_in_the_middle_of_an_update_is_deleted(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled()
    stack.update(cfn(V=value(), H=handle(), W=condition())).wait_for_resource("W", "CREATE_IN_PROGRESS")
    return stack.delete().wait_until_settled().read_state()


@area.rule(["GONE", 201])
def a_name_is_free_when_its_stack_is_gone(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled().delete().wait_until_settled()
    body = {"stack_name": stack.name, "template": cfn(V=value())}
    return [stack.read_state(), heat.request("POST", "/stacks", json=body).status_code]


@area.rule(
    [
        "GONE",
        [
            ("R", "CREATE_IN_PROGRESS"),
            ("R", "CREATE_COMPLETE"),
            ("R", "DELETE_IN_PROGRESS"),
            ("R", "DELETE_COMPLETE"),
        ],
    ]
)
def a_retained_resource_has_the_status_deleted(heat: HeatClient) -> Observation:
    stack = (
        heat.create_stack(cfn(R=random_string(DeletionPolicy="Retain")))
        .wait_until_settled()
        .delete()
        .wait_until_settled()
    )
    return [stack.read_state(), [each for each in stack.list_events() if each[0] == "R"]]


@area.rule("404 EntityNotFound: The Stack (nobody) could not be found.")
def an_unknown_stack_cannot_be_deleted(heat: HeatClient) -> Observation:
    return format_response(heat.request("DELETE", "/stacks/nobody/00000000-0000-0000-0000-000000000000"))


@area.rule(302)
def a_deletion_by_name_is_redirected_to_the_stack(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled()
    return heat.request("DELETE", f"/stacks/{stack.name}").status_code
