"""Wait conditions: when they complete, when they fail and with which reason, and their Data."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.guest import BODY, build_body, put_signal, signal_handle
from tests.contract.heat import ContractStack, Document, HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import COMPLETE, FAILED, UPDATE_FAILED, UPDATED
from tests.contract.rule import Observation
from tests.contract.templates import att, cfn, condition, handle, value

area = HeatRuleArea("wait conditions")


def create_waiting_stack(heat: HeatClient, **properties: Any) -> ContractStack:
    """Create a stack with a condition that waits."""
    return heat.create_stack(cfn(H=handle(), W=condition(**properties))).wait_for_resource(
        "W", "CREATE_IN_PROGRESS"
    )


def create_signalled_stack(heat: HeatClient, *signals: Document, **properties: Any) -> ContractStack:
    """Create a stack whose handle already has these signals when its condition starts."""
    stack = signal_handle(heat.create_stack(cfn(H=handle())).wait_until_settled(), "H", *signals)
    return stack.update(cfn({"Data": att("W", "Data")}, H=handle(), W=condition(**properties)))


def read_data(stack: ContractStack) -> Observation:
    """Return Data after the stack has settled."""
    data: Observation = json.loads(stack.wait_until_settled().read_output("Data"))
    return data


@area.rule(COMPLETE)
def one_success_completes_it(heat: HeatClient) -> Observation:
    return signal_handle(create_waiting_stack(heat)).wait_for_outcome()


@area.rule(FAILED + "WaitConditionFailure: resources.W: binary log is off")
def one_failure_ends_it_with_its_reason(heat: HeatClient) -> Observation:
    return signal_handle(
        create_waiting_stack(heat), "H", build_body("FAILURE", "binary log is off")
    ).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: one;two")
def the_reason_contains_every_failure(heat: HeatClient) -> Observation:
    failures = [build_body("FAILURE", reason, reason) for reason in ("one", "two")]
    return create_signalled_stack(heat, *failures).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: no")
def a_failure_outweighs_every_success(heat: HeatClient) -> Observation:
    return create_signalled_stack(
        heat, build_body(unique="1"), build_body("FAILURE", "no", "2"), build_body(unique="3")
    ).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: Überlauf – 日本")
def a_reason_may_be_in_any_language(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, build_body("FAILURE", "Überlauf – 日本")).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: a\nb")
def a_reason_may_have_several_lines(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, build_body("FAILURE", "a\nb")).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: ")
def a_reason_may_be_empty_when_it_fails(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, build_body("FAILURE", "")).wait_for_outcome()


@area.rule(UPDATE_FAILED + "TypeError: resources.W: sequence item 0: expected str instance, int found")
def a_reason_that_is_a_number_is_an_error(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, build_body("FAILURE", 5)).wait_for_outcome()


@area.rule([6000, 6000])
def a_long_reason_is_kept_whole(heat: HeatClient) -> Observation:
    stack = create_signalled_stack(heat, build_body("FAILURE", "x" * 6000)).wait_until_settled()
    return [
        stack.read_row()["stack_status_reason"].count("x"),
        stack.list_resources()["W"]["resource_status_reason"].count("x"),
    ]


@area.rule(FAILED + "WaitConditionTimeout: resources.W: 0 of 1 received")
def without_a_signal_it_times_out(heat: HeatClient) -> Observation:
    return heat.create_stack(cfn(H=handle(), W=condition(timeout=1))).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 1 of 2 received - r")
def a_timeout_names_the_received_signals(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, BODY, timeout=1, Count=2).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 2 of 3 received - first;second")
def a_timeout_names_every_received_signal(heat: HeatClient) -> Observation:
    signals = [build_body(reason="first", unique="1"), build_body(reason="second", unique="2")]
    return create_signalled_stack(heat, *signals, timeout=1, Count=3).wait_for_outcome()


@area.rule(UPDATED)
def a_count_requires_as_many_ids(heat: HeatClient) -> Observation:
    return create_signalled_stack(
        heat, build_body(unique="1"), build_body(unique="2"), Count=2
    ).wait_for_outcome()


@area.rule(UPDATED)
def more_than_enough_is_enough(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, *(build_body(unique=n) for n in range(3)), Count=2).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionTimeout: resources.W: 1 of 2 received - again")
def the_same_id_counts_once_with_the_later_signal(heat: HeatClient) -> Observation:
    return create_signalled_stack(
        heat, build_body(reason="once"), build_body(reason="again"), timeout=1, Count=2
    ).wait_for_outcome()


@area.rule([{"7": "later"}, UPDATED])
def a_number_and_its_text_are_the_same_id(heat: HeatClient) -> Observation:
    stack = create_signalled_stack(heat, build_body(unique=7), build_body(unique="7", data="later"))
    return [read_data(stack), stack.wait_for_outcome()]


@area.rule(UPDATED)
def a_success_under_its_id_takes_a_failure_back(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, build_body("FAILURE"), build_body()).wait_for_outcome()


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: r")
def a_failure_under_its_id_takes_a_success_back(heat: HeatClient) -> Observation:
    return create_signalled_stack(heat, build_body(), build_body("FAILURE")).wait_for_outcome()


@area.rule({"u": "d"})
def data_contains_the_sent_data_by_id(heat: HeatClient) -> Observation:
    return read_data(create_signalled_stack(heat, BODY))


@area.rule({"u": {"lag": 0, "text": "ü", "list": [1, None, True]}})
def data_keeps_the_shape_of_json(heat: HeatClient) -> Observation:
    return read_data(
        create_signalled_stack(heat, build_body(data={"lag": 0, "text": "ü", "list": [1, None, True]}))
    )


@area.rule({"": "d", "None": "d", "u": None})
def odd_ids_are_text_in_data(heat: HeatClient) -> Observation:
    return read_data(
        create_signalled_stack(heat, build_body(unique=""), build_body(unique=None), build_body(data=None))
    )


@area.rule({"late": "why", "u": "d"})
def a_late_signal_s_data_appears(heat: HeatClient) -> Observation:
    stack = create_signalled_stack(heat, BODY).wait_until_settled()
    return read_data(signal_handle(stack, "H", build_body("FAILURE", unique="late", data="why")))


@area.rule(UPDATED)
def a_late_failure_changes_no_status(heat: HeatClient) -> Observation:
    stack = create_signalled_stack(heat, BODY).wait_until_settled()
    return signal_handle(stack, "H", build_body("FAILURE", unique="late")).wait_for_outcome()


@area.rule(["CREATE_IN_PROGRESS", COMPLETE])
def two_conditions_may_use_one_handle(heat: HeatClient) -> Observation:
    template = cfn(H=handle(), A=condition(), B=condition(Count=2))
    stack = signal_handle(
        heat.create_stack(template).wait_for_resource("B", "CREATE_IN_PROGRESS")
    ).wait_for_resource("A", "CREATE_COMPLETE")
    before = stack.list_resources()["B"]["resource_status"]

    return [before, signal_handle(stack, "H", build_body(unique="2")).wait_for_outcome()]


@area.rule(
    'CREATE_FAILED: Resource CREATE failed: ValueError: resources.W: "<stack>-V-<random>" is not a valid URL'
)
def a_condition_without_a_real_handle_fails(heat: HeatClient) -> Observation:
    return heat.create_stack(cfn(V=value("no url"), W=condition("V"))).wait_for_outcome()


@area.rule(FAILED + "ValueError: resources.W: WaitCondition invalid Handle stack <stack>")
def a_condition_of_another_stack_s_handle_fails(heat: HeatClient) -> Observation:
    other = heat.create_stack(cfn(H=handle())).wait_until_settled().read_handle_url("H")
    condition_with_foreign_handle = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": other, "Timeout": 5},
    }
    return heat.create_stack(cfn(W=condition_with_foreign_handle)).wait_for_outcome()


@area.rule(["CREATE_FAILED", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_FAILED"])
def the_siblings_of_a_failed_resource_continue(heat: HeatClient) -> Observation:
    template = cfn(H=handle(), W=condition(), Other=handle(), Sibling=condition("Other"))
    stack = (
        heat.create_stack(template)
        .wait_for_resource("Sibling", "CREATE_IN_PROGRESS")
        .wait_for_resource("W", "CREATE_IN_PROGRESS")
    )
    signal_handle(stack, "H", build_body("FAILURE")).wait_until_settled()
    failed, sibling = stack.read_state(), stack.list_resources()["Sibling"]["resource_status"]

    put_signal(stack.read_handle_url("Other"))
    stack.wait_for_resource("Sibling", "CREATE_COMPLETE")

    return [failed, sibling, stack.list_resources()["Sibling"]["resource_status"], stack.read_state()]


@area.rule(["CREATE_FAILED", "INIT_COMPLETE"])
def a_dependent_of_a_failed_resource_is_never_started(heat: HeatClient) -> Observation:
    template = cfn(H=handle(), W=condition(), After=value(DependsOn="W"))
    stack = signal_handle(
        heat.create_stack(template).wait_for_resource("W", "CREATE_IN_PROGRESS"), "H", build_body("FAILURE")
    ).wait_until_settled()

    return [stack.read_state(), stack.list_resources()["After"]["resource_status"]]


@area.rule(
    {"H": "CREATE_COMPLETE: state changed", "W": "CREATE_FAILED: WaitConditionFailure: resources.W: no"}
)
def the_resources_have_the_same_reasons(heat: HeatClient) -> Observation:
    stack = create_signalled_stack(heat, build_body("FAILURE", "no")).wait_until_settled()
    rows = stack.list_resources()
    return {name: f"{row['resource_status']}: {row['resource_status_reason']}" for name, row in rows.items()}
