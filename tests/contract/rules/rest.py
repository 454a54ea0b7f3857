"""Signals to a HOT handle through both APIs, and the conditions on it."""

from __future__ import annotations

import json

from tests.contract.guest import put_signal
from tests.contract.heat import ContractStack, HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import COMPLETE, UPDATE_FAILED, UPDATED
from tests.contract.rule import Observation
from tests.contract.rules.hot import build_get_attr, get_handle_stack, read_document, signal_by_rest
from tests.contract.templates import hot, hot_condition, hot_handle, hot_resource

area = HeatRuleArea("signals and conditions of HOT")


GOOD = "200 H"


INVALID = (
    "500 InternalFailure: The request processing has failed due to an internal error:"
    "ValueError: resources.H: Metadata format invalid"
)


def create_signalled_stack(
    heat: HeatClient, *bodies: object, timeout: int = 300, count: int = 1
) -> ContractStack:
    """Create a stack whose handle has these signals by REST before its condition starts."""
    stack = heat.create_stack(hot(H=hot_handle())).wait_until_settled()
    for body in bodies:
        signal_by_rest(stack, body)
    return stack.update(
        hot({"data": build_get_attr("data", "W")}, H=hot_handle(), W=hot_condition(timeout, count))
    )


def add_body_rules(words: str, body: object, says: str) -> None:
    """Add rules for a signal through both APIs. The response of REST does not show whether the signal counts."""
    area.add(
        f"at the CFN URL of a HOT handle {words}",
        lambda heat: put_signal(read_document(heat, "CFN_SIGNAL")["alarm_url"], body),
        says,
    )
    area.add(
        f"by REST {words} (and the answer is the same)",
        lambda heat: signal_by_rest(get_handle_stack(heat, "TOKEN_SIGNAL"), body),
        ["200", "null"],
    )


add_body_rules(
    "lower-case keys are a signal", {"status": "SUCCESS", "reason": "r", "id": "u", "data": "d"}, GOOD
)


add_body_rules("an empty mapping is a signal", {}, GOOD)


add_body_rules("a status alone is a signal", {"status": "SUCCESS"}, GOOD)


add_body_rules("an id alone is a signal", {"id": 7}, GOOD)


add_body_rules(
    "CFN keys are refused", {"Status": "SUCCESS", "Reason": "r", "UniqueId": "u", "Data": "d"}, INVALID
)


add_body_rules("an unknown status is refused", {"status": "DONE"}, INVALID)


add_body_rules("an unknown key is refused", {"status": "SUCCESS", "extra": 1}, INVALID)


add_body_rules("a list is not read", ["x"], "500 (empty)")


@area.rule("400 HTTPBadRequest: Expecting property name enclosed in double quotes: line 1 column 3 (char 2)")
def by_rest_a_body_that_is_not_json_is_rejected(heat: HeatClient) -> Observation:
    headers = {"Content-Type": "application/json"}
    return format_response(
        get_handle_stack(heat, "TOKEN_SIGNAL").request(
            "/resources/H/signal", "POST", data="{ no", headers=headers
        )
    )


@area.rule("200")
def by_rest_an_empty_body_is_a_signal(heat: HeatClient) -> Observation:
    return format_response(get_handle_stack(heat, "TOKEN_SIGNAL").request("/resources/H/signal", "POST"))


@area.rule("404 ResourceNotFound: The Resource (Nobody) could not be found in Stack <stack>.")
def by_rest_a_resource_that_is_not_there_is_not_found(heat: HeatClient) -> Observation:
    return format_response(
        get_handle_stack(heat, "TOKEN_SIGNAL").request("/resources/Nobody/signal", "POST", json={})
    )


@area.rule("400 ResourceActionNotSupported: signal is not supported for resource.")
def by_rest_a_value_takes_no_signal(heat: HeatClient) -> Observation:
    stack = heat.create_stack(hot(V=hot_resource("OS::Heat::Value", {"value": 1}))).wait_until_settled()
    return format_response(stack.request("/resources/V/signal", "POST", json={}))


@area.rule(COMPLETE)
def one_signal_by_rest_completes_a_condition(heat: HeatClient) -> Observation:
    stack = heat.create_stack(hot(H=hot_handle(), W=hot_condition())).wait_for_resource(
        "W", "CREATE_IN_PROGRESS"
    )
    signal_by_rest(stack, {"status": "SUCCESS"})
    return stack.wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: disk is full")
def a_failure_by_rest_ends_a_condition(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, {"status": "FAILURE", "reason": "disk is full"}).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: Signal 1 received")
def a_failure_without_a_reason_has_one_of_heat_s_own(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, {"status": "FAILURE"}).wait_for_outcome()


@area.rule([UPDATED, {"1": "a", "2": "b"}])
def signals_without_an_id_are_numbered(heat: HeatClient) -> Observation:
    stack = create_signalled_stack(heat, {"data": "a"}, {"data": "b"}, count=2)
    return [stack.wait_for_outcome(), json.loads(stack.read_output("data"))]


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 1 of 2 received - Signal 2 received")
def the_same_id_counts_once(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, {"id": "u"}, {"id": "u"}, timeout=1, count=2).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 1 of 2 received - Signal 1 received")
def a_timeout_contains_heat_s_default_reasons(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, {}, timeout=1, count=2).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 0 of 1 received")
def a_bad_signal_by_rest_vanishes(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, {"status": "DONE"}, timeout=1).wait_for_outcome()


@area.rule(UPDATED)
def a_list_by_rest_counts(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, [1], timeout=1).wait_for_outcome()


@area.rule('{"u": {"lag": 0}}')
def data_is_text_with_json_in_it(heat: HeatClient) -> Observation:
    stack = create_signalled_stack(heat, {"id": "u", "data": {"lag": 0}}).wait_until_settled()
    return stack.read_output("data")


@area.rule({"H": ["curl_cli", "endpoint", "signal", "token"], "W": ["data"]})
def details_show_the_data_of_a_condition(heat: HeatClient) -> Observation:
    rows = (
        create_signalled_stack(heat, {"id": "u", "data": "d"})
        .wait_until_settled()
        .list_resources("?type=WaitCondition&with_detail=true")
    )
    return {name: sorted(row["attributes"]) for name, row in sorted(rows.items())}
