"""When a wait condition is complete, when it fails and with which words, and what its Data holds."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.guest import BODY, body, put, signal
from tests.contract.heat import Document, Heat, Stack
from tests.contract.outcomes import COMPLETE, FAILED, UPDATE_FAILED, UPDATED
from tests.contract.rule import Area, Observation
from tests.contract.templates import att, cfn, condition, handle, value

area = Area("wait conditions")


def waiting(heat: Heat, **properties: Any) -> Stack:
    """A stack with a condition that waits."""
    return heat.stack(cfn(H=handle(), W=condition(**properties))).until("W", "CREATE_IN_PROGRESS")


def judged(heat: Heat, *signals: Document, **properties: Any) -> Stack:
    """A stack whose handle has these signals already when its condition begins."""
    stack = signal(heat.stack(cfn(H=handle())).settled(), "H", *signals)
    return stack.update(cfn({"Data": att("W", "Data")}, H=handle(), W=condition(**properties)))


def data(stack: Stack) -> Observation:
    """What Data holds, when all is over."""
    found: Observation = json.loads(stack.settled().output("Data"))
    return found


@area.rule(COMPLETE)
def one_success_completes_it(heat: Heat) -> Observation:
    return signal(waiting(heat)).outcome()


@area.rule(FAILED + "WaitConditionFailure: resources.W: binary log is off")
def one_failure_ends_it_with_its_reason(heat: Heat) -> Observation:
    return signal(waiting(heat), "H", body("FAILURE", "binary log is off")).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: one;two")
def several_failures_are_all_told(heat: Heat) -> Observation:
    failures = [body("FAILURE", reason, reason) for reason in ("one", "two")]
    return judged(heat, *failures).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: no")
def a_failure_outweighs_every_success(heat: Heat) -> Observation:
    return judged(heat, body(unique="1"), body("FAILURE", "no", "2"), body(unique="3")).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: Überlauf – 日本")
def a_reason_may_be_in_any_language(heat: Heat) -> Observation:
    return judged(heat, body("FAILURE", "Überlauf – 日本")).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: a\nb")
def a_reason_may_have_lines(heat: Heat) -> Observation:
    return judged(heat, body("FAILURE", "a\nb")).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: ")
def a_reason_may_be_empty_when_it_fails(heat: Heat) -> Observation:
    return judged(heat, body("FAILURE", "")).outcome()


@area.rule(UPDATE_FAILED + "TypeError: resources.W: sequence item 0: expected str instance, int found")
def a_reason_that_is_a_number_is_an_error(heat: Heat) -> Observation:
    return judged(heat, body("FAILURE", 5)).outcome()


@area.rule([6000, 6000])
def a_long_reason_is_kept_whole(heat: Heat) -> Observation:
    stack = judged(heat, body("FAILURE", "x" * 6000)).settled()
    return [
        stack.row()["stack_status_reason"].count("x"),
        stack.resources()["W"]["resource_status_reason"].count("x"),
    ]


@area.rule(FAILED + "WaitConditionTimeout: resources.W: 0 of 1 received")
def without_a_signal_it_times_out(heat: Heat) -> Observation:
    return heat.stack(cfn(H=handle(), W=condition(timeout=1))).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 1 of 2 received - r")
def a_timeout_tells_what_came(heat: Heat) -> Observation:
    return judged(heat, BODY, timeout=1, Count=2).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 2 of 3 received - first;second")
def a_timeout_tells_all_that_came(heat: Heat) -> Observation:
    came = [body(reason="first", unique="1"), body(reason="second", unique="2")]
    return judged(heat, *came, timeout=1, Count=3).outcome()


@area.rule(UPDATED)
def a_count_wants_as_many_ids(heat: Heat) -> Observation:
    return judged(heat, body(unique="1"), body(unique="2"), Count=2).outcome()


@area.rule(UPDATED)
def more_than_enough_is_enough(heat: Heat) -> Observation:
    return judged(heat, *(body(unique=n) for n in range(3)), Count=2).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 1 of 2 received - again")
def the_same_id_counts_once_and_the_later_stands(heat: Heat) -> Observation:
    return judged(heat, body(reason="once"), body(reason="again"), timeout=1, Count=2).outcome()


@area.rule([{"7": "later"}, UPDATED])
def a_number_and_its_text_are_the_same_id(heat: Heat) -> Observation:
    stack = judged(heat, body(unique=7), body(unique="7", data="later"))
    return [data(stack), stack.outcome()]


@area.rule(UPDATED)
def a_success_under_its_id_takes_a_failure_back(heat: Heat) -> Observation:
    return judged(heat, body("FAILURE"), body()).outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: r")
def a_failure_under_its_id_takes_a_success_back(heat: Heat) -> Observation:
    return judged(heat, body(), body("FAILURE")).outcome()


@area.rule({"u": "d"})
def data_holds_what_was_sent_by_id(heat: Heat) -> Observation:
    return data(judged(heat, BODY))


@area.rule({"u": {"lag": 0, "text": "ü", "list": [1, None, True]}})
def data_keeps_the_shape_of_json(heat: Heat) -> Observation:
    return data(judged(heat, body(data={"lag": 0, "text": "ü", "list": [1, None, True]})))


@area.rule({"": "d", "None": "d", "u": None})
def odd_ids_are_text_in_data(heat: Heat) -> Observation:
    return data(judged(heat, body(unique=""), body(unique=None), body(data=None)))


@area.rule({"late": "why", "u": "d"})
def a_late_signal_s_data_appears(heat: Heat) -> Observation:
    stack = judged(heat, BODY).settled()
    return data(signal(stack, "H", body("FAILURE", unique="late", data="why")))


@area.rule(UPDATED)
def a_late_failure_changes_no_status(heat: Heat) -> Observation:
    stack = judged(heat, BODY).settled()
    return signal(stack, "H", body("FAILURE", unique="late")).outcome()


@area.rule(["CREATE_IN_PROGRESS", COMPLETE])
def two_conditions_may_look_at_one_handle(heat: Heat) -> Observation:
    template = cfn(H=handle(), A=condition(), B=condition(Count=2))
    stack = signal(heat.stack(template).until("B", "CREATE_IN_PROGRESS")).until("A", "CREATE_COMPLETE")
    before = stack.resources()["B"]["resource_status"]

    return [before, signal(stack, "H", body(unique="2")).outcome()]


@area.rule(
    'CREATE_FAILED: Resource CREATE failed: ValueError: resources.W: "<stack>-V-<random>" is not a valid URL'
)
def a_condition_without_a_real_handle_fails(heat: Heat) -> Observation:
    return heat.stack(cfn(V=value("no url"), W=condition("V"))).outcome()


@area.rule(FAILED + "ValueError: resources.W: WaitCondition invalid Handle stack <stack>")
def a_condition_of_another_stack_s_handle_fails(heat: Heat) -> Observation:
    other = heat.stack(cfn(H=handle())).settled().url("H")
    wrong = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": other, "Timeout": 5}}
    return heat.stack(cfn(W=wrong)).outcome()


@area.rule(["CREATE_FAILED", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_FAILED"])
def the_siblings_of_what_failed_go_on_by_themselves(heat: Heat) -> Observation:
    template = cfn(H=handle(), W=condition(), Other=handle(), Sibling=condition("Other"))
    stack = heat.stack(template).until("Sibling", "CREATE_IN_PROGRESS").until("W", "CREATE_IN_PROGRESS")
    signal(stack, "H", body("FAILURE")).settled()
    failed, sibling = stack.state(), stack.resources()["Sibling"]["resource_status"]

    put(stack.url("Other"))
    stack.until("Sibling", "CREATE_COMPLETE")

    return [failed, sibling, stack.resources()["Sibling"]["resource_status"], stack.state()]


@area.rule(["CREATE_FAILED", "INIT_COMPLETE"])
def what_waits_for_what_failed_is_never_begun(heat: Heat) -> Observation:
    template = cfn(H=handle(), W=condition(), After=value(DependsOn="W"))
    stack = signal(heat.stack(template).until("W", "CREATE_IN_PROGRESS"), "H", body("FAILURE")).settled()

    return [stack.state(), stack.resources()["After"]["resource_status"]]


@area.rule(
    {"H": "CREATE_COMPLETE: state changed", "W": "CREATE_FAILED: WaitConditionFailure: resources.W: no"}
)
def the_reasons_of_resources_tell_the_same(heat: Heat) -> Observation:
    stack = judged(heat, body("FAILURE", "no")).settled()
    rows = stack.resources()
    return {name: f"{row['resource_status']}: {row['resource_status_reason']}" for name, row in rows.items()}
