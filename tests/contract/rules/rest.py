"""Signals to a HOT handle, by both its doors, and the conditions that look at it."""

from __future__ import annotations

import json

from tests.contract.guest import put
from tests.contract.heat import Heat, Stack, said
from tests.contract.outcomes import COMPLETE, UPDATE_FAILED, UPDATED
from tests.contract.rule import Area, Observation
from tests.contract.rules.hot import armed, attribute, document, said_by_rest
from tests.contract.templates import h_typed, hot, hot_condition, hot_handle

area = Area("signals and conditions of HOT")


GOOD = "200 H"


INVALID = (
    "500 InternalFailure: The request processing has failed due to an internal error:"
    "ValueError: resources.H: Metadata format invalid"
)


def judged(heat: Heat, *bodies: object, timeout: int = 300, count: int = 1) -> Stack:
    """A stack whose handle has these signals, by REST, before its condition begins."""
    stack = heat.stack(hot(H=hot_handle())).settled()
    for sent in bodies:
        said_by_rest(stack, sent)
    return stack.update(
        hot({"data": attribute("data", "W")}, H=hot_handle(), W=hot_condition(timeout, count))
    )


def answered(words: str, body: object, says: str) -> None:
    """A signal by both doors. By REST everything that parses is fine: whether it counts is not told."""
    area.add(
        f"at the CFN URL of a HOT handle {words}",
        lambda heat: put(document(heat, "CFN_SIGNAL")["alarm_url"], body),
        says,
    )
    area.add(
        f"by REST {words} (and the answer is the same)",
        lambda heat: said_by_rest(armed(heat, "TOKEN_SIGNAL"), body),
        ["200", "null"],
    )


answered("lower-case keys are a signal", {"status": "SUCCESS", "reason": "r", "id": "u", "data": "d"}, GOOD)


answered("an empty mapping is a signal", {}, GOOD)


answered("a status alone is a signal", {"status": "SUCCESS"}, GOOD)


answered("an id alone is a signal", {"id": 7}, GOOD)


answered("CFN keys are refused", {"Status": "SUCCESS", "Reason": "r", "UniqueId": "u", "Data": "d"}, INVALID)


answered("an unknown status is refused", {"status": "DONE"}, INVALID)


answered("an unknown key is refused", {"status": "SUCCESS", "extra": 1}, INVALID)


answered("a list is not read", ["x"], "500 (empty)")


@area.rule("400 HTTPBadRequest: Expecting property name enclosed in double quotes: line 1 column 3 (char 2)")
def by_rest_what_is_not_json_is_refused(heat: Heat) -> Observation:
    headers = {"Content-Type": "application/json"}
    return said(armed(heat, "TOKEN_SIGNAL").ask("/resources/H/signal", "POST", data="{ no", headers=headers))


@area.rule("200")
def by_rest_an_empty_body_is_a_signal(heat: Heat) -> Observation:
    return said(armed(heat, "TOKEN_SIGNAL").ask("/resources/H/signal", "POST"))


@area.rule("404 ResourceNotFound: The Resource (Nobody) could not be found in Stack <stack>.")
def by_rest_a_resource_that_is_not_there_is_not_found(heat: Heat) -> Observation:
    return said(armed(heat, "TOKEN_SIGNAL").ask("/resources/Nobody/signal", "POST", json={}))


@area.rule("400 ResourceActionNotSupported: signal is not supported for resource.")
def by_rest_a_value_takes_no_signal(heat: Heat) -> Observation:
    stack = heat.stack(hot(V=h_typed("OS::Heat::Value", {"value": 1}))).settled()
    return said(stack.ask("/resources/V/signal", "POST", json={}))


@area.rule(COMPLETE)
def one_signal_by_rest_completes_a_condition(heat: Heat) -> Observation:
    stack = heat.stack(hot(H=hot_handle(), W=hot_condition())).until("W", "CREATE_IN_PROGRESS")
    said_by_rest(stack, {"status": "SUCCESS"})
    return stack.outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: disk is full")
def a_failure_by_rest_ends_a_condition(heat: Heat) -> Observation:
    return judged(heat, {"status": "FAILURE", "reason": "disk is full"}).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: Signal 1 received")
def a_failure_without_a_reason_has_one_of_heat_s_own(heat: Heat) -> Observation:
    return judged(heat, {"status": "FAILURE"}).outcome()


@area.rule([UPDATED, {"1": "a", "2": "b"}])
def ids_that_are_not_given_are_counted(heat: Heat) -> Observation:
    stack = judged(heat, {"data": "a"}, {"data": "b"}, count=2)
    return [stack.outcome(), json.loads(stack.output("data"))]


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 1 of 2 received - Signal 2 received")
def the_same_id_counts_once(heat: Heat) -> Observation:
    return judged(heat, {"id": "u"}, {"id": "u"}, timeout=1, count=2).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 1 of 2 received - Signal 1 received")
def a_timeout_tells_the_reasons_of_heat_s_own(heat: Heat) -> Observation:
    return judged(heat, {}, timeout=1, count=2).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 0 of 1 received")
def a_bad_signal_by_rest_vanishes(heat: Heat) -> Observation:
    return judged(heat, {"status": "DONE"}, timeout=1).outcome()


@area.rule(UPDATED)
def a_list_by_rest_counts(heat: Heat) -> Observation:
    return judged(heat, [1], timeout=1).outcome()


@area.rule('{"u": {"lag": 0}}')
def data_is_text_with_json_in_it(heat: Heat) -> Observation:
    stack = judged(heat, {"id": "u", "data": {"lag": 0}}).settled()
    return stack.output("data")


@area.rule({"H": ["curl_cli", "endpoint", "signal", "token"], "W": ["data"]})
def details_show_the_data_of_a_condition(heat: Heat) -> Observation:
    rows = judged(heat, {"id": "u", "data": "d"}).settled().resources("?type=WaitCondition&with_detail=true")
    return {name: sorted(row["attributes"]) for name, row in sorted(rows.items())}
