"""Resources that a client marks unhealthy: the next update replaces them, whatever their templates say."""

from __future__ import annotations

import requests

from tests.contract.heat import ContractStack, HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import RECREATED, UPDATED
from tests.contract.rule import Observation
from tests.contract.templates import cfn, condition, handle, value

area = HeatRuleArea("resources that are marked unhealthy")
TEMPLATE = cfn(V=value())


def mark(stack: ContractStack, name: str, is_unhealthy: object = True, **more: object) -> requests.Response:
    body = {"mark_unhealthy": is_unhealthy, **more}
    return stack.request(f"/resources/{name}", "PATCH", json=body)


def read_resource(stack: ContractStack, name: str) -> list[str]:
    row = stack.list_resources()[name]
    return [row["resource_status"], row["resource_status_reason"]]


@area.rule(["200", ["CHECK_FAILED", "no pulse"], "CREATE_COMPLETE", UPDATED, RECREATED])
def a_marked_resource_is_replaced_by_an_update_that_changes_nothing(heat: HeatClient) -> Observation:
    stack = heat.create_stack(TEMPLATE).wait_until_settled()

    answer = format_response(mark(stack, "V", resource_status_reason="no pulse"))
    marked, state = read_resource(stack, "V"), stack.read_state()
    stack.update(TEMPLATE).wait_until_settled()

    return [answer, marked, state, stack.wait_for_outcome(), stack.list_update_statuses("V")]


@area.rule(["CHECK_COMPLETE", "state changed by resource_mark_unhealthy api", []])
def a_mark_that_is_taken_back_has_no_effect(heat: HeatClient) -> Observation:
    stack = heat.create_stack(TEMPLATE).wait_until_settled()

    mark(stack, "V")
    mark(stack, "V", is_unhealthy=False)
    healthy = read_resource(stack, "V")
    stack.update(TEMPLATE).wait_until_settled()

    return [*healthy, stack.list_update_statuses("V")]


@area.rule(["200", "CREATE_COMPLETE"])
def a_healthy_resource_stays_as_it_is(heat: HeatClient) -> Observation:
    stack = heat.create_stack(TEMPLATE).wait_until_settled()

    answer = format_response(mark(stack, "V", is_unhealthy=False))

    return [answer, read_resource(stack, "V")[0]]


@area.rule("409 ActionInProgress: Stack <stack> already has an action (CREATE) in progress.")
def a_resource_in_progress_cannot_be_marked(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(H=handle(), W=condition(timeout=300)))
    stack.wait_for_resource("W", "CREATE_IN_PROGRESS")

    return format_response(mark(stack, "W"))


@area.rule("404 ResourceNotFound: The Resource (Nobody) could not be found in Stack <stack>.")
def a_resource_that_is_not_there_cannot_be_marked(heat: HeatClient) -> Observation:
    return format_response(mark(heat.create_stack(TEMPLATE).wait_until_settled(), "Nobody"))


@area.rule(
    [
        "400 HTTPBadRequest: Missing mandatory (mark_unhealthy) key from mark unhealthy request",
        "400 HTTPBadRequest: Invalid keys in resource mark unhealthy {'mood'}",
        '400 HTTPBadRequest: Unrecognized value "x" for "mark_unhealthy", acceptable values are: true, false',
    ]
)
def a_body_that_says_something_else_is_refused(heat: HeatClient) -> Observation:
    stack = heat.create_stack(TEMPLATE).wait_until_settled()
    empty = stack.request("/resources/V", "PATCH", json={})

    return [format_response(each) for each in (empty, mark(stack, "V", mood=1), mark(stack, "V", "x"))]
