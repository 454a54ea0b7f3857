"""Failed stacks: what a failure leaves behind, and how a stack is updated again."""

from __future__ import annotations

from tests.contract.guest import BODY, build_body, put_signal, signal_handle
from tests.contract.heat import HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import RECREATED, ROLLED_BACK, UPDATE_FAILED, UPDATED
from tests.contract.rule import Observation
from tests.contract.rules.updates import build_template, create_complete_stack
from tests.contract.templates import att, cfn, condition, handle, value

area = HeatRuleArea("failed stacks")


@area.rule("UPDATE_FAILED: Resource UPDATE failed: WaitConditionTimeout: resources.W: 1 of 2 received - r")
def a_larger_count_without_further_signals_fails_in_place(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_template(timeout=1)).wait_until_settled()
    put_signal(stack.read_handle_url("H"))
    stack.update(build_template(timeout=1)).wait_until_settled()

    return stack.update(build_template(timeout=1, count=2)).wait_for_outcome()


@area.rule(
    [
        UPDATE_FAILED + "WaitConditionFailure: resources.W: binary log is off",
        ["CREATE_IN_PROGRESS", "CREATE_FAILED"],
    ]
)
def a_failure_left_in_a_handle_fails_the_next_update(heat: HeatClient) -> Observation:
    stack = signal_handle(
        heat.create_stack(build_template()), "H", build_body("FAILURE", "binary log is off")
    ).wait_until_settled()

    stack.update(build_template()).wait_until_settled()

    return [stack.wait_for_outcome(), stack.list_update_statuses("W")]


@area.rule([UPDATED, '{"u": "d"}'])
def a_success_with_the_same_id_repairs_a_failed_stack(heat: HeatClient) -> Observation:
    template = cfn({"Data": att("W", "Data")}, H=handle(), W=condition())
    stack = signal_handle(heat.create_stack(template), "H", build_body("FAILURE")).wait_until_settled()

    put_signal(stack.read_handle_url("H"), BODY)
    stack.update(template).wait_until_settled()

    return [stack.wait_for_outcome(), stack.read_output("Data")]


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: no")
def a_success_with_another_id_repairs_nothing(heat: HeatClient) -> Observation:
    stack = signal_handle(
        heat.create_stack(build_template()), "H", build_body("FAILURE", "no")
    ).wait_until_settled()

    put_signal(stack.read_handle_url("H"), build_body(unique="another"))

    return stack.update(build_template()).wait_for_outcome()


@area.rule([UPDATED, ["H2", "W2"]])
def a_new_generation_repairs_a_failed_stack(heat: HeatClient) -> Observation:
    stack = signal_handle(
        heat.create_stack(build_template()), "H", build_body("FAILURE")
    ).wait_until_settled()

    signal_handle(stack.update(cfn(H2=handle(), W2=condition("H2"))), "H2").wait_until_settled()

    return [stack.wait_for_outcome(), sorted(stack.list_resources())]


@area.rule(
    [
        UPDATED,
        RECREATED,
    ]
)
def the_next_update_recreates_a_condition_that_timed_out(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_template(timeout=1)).wait_until_settled()
    put_signal(stack.read_handle_url("H"))

    stack.update(build_template(timeout=1)).wait_until_settled()

    return [stack.wait_for_outcome(), stack.list_update_statuses("W")]


@area.rule([UPDATED, "CREATE_COMPLETE"])
def the_next_update_creates_a_resource_that_was_never_started(heat: HeatClient) -> Observation:
    template = build_template(After=value(DependsOn="W"))
    stack = signal_handle(heat.create_stack(template), "H", build_body("FAILURE")).wait_until_settled()

    put_signal(stack.read_handle_url("H"))
    stack.update(template).wait_until_settled()

    return [stack.wait_for_outcome(), stack.list_resources()["After"]["resource_status"]]


@area.rule(
    [
        "UPDATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        UPDATED,
        ["CREATE_COMPLETE"],
    ]
)
def an_update_while_a_condition_waits_is_taken_and_the_condition_waits_on(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_template()).wait_for_resource("W", "CREATE_IN_PROGRESS")

    stack.update(build_template(V=value())).wait_for_resource("V", "CREATE_COMPLETE")
    between = [stack.read_state(), stack.list_resources()["W"]["resource_status"]]
    signal_handle(stack).wait_until_settled()

    return [*between, stack.wait_for_outcome(), stack.list_update_statuses("W")]


@area.rule(
    [
        UPDATE_FAILED + "WaitConditionTimeout: resources.W2: 0 of 1 received",
        {
            "H": "CREATE_COMPLETE",
            "H2": "CREATE_COMPLETE",
            "V": "CREATE_COMPLETE",
            "W": "CREATE_COMPLETE",
            "W2": "CREATE_FAILED",
        },
    ]
)
def a_failed_update_names_the_failed_resource_and_keeps_the_others(heat: HeatClient) -> Observation:
    stack = create_complete_stack(heat)

    stack.update(build_template(V=value(), H2=handle(), W2=condition("H2", timeout=1))).wait_until_settled()

    rows = stack.list_resources()
    return [stack.wait_for_outcome(), {name: rows[name]["resource_status"] for name in sorted(rows)}]


@area.rule([ROLLED_BACK, []])
def a_rollback_deletes_the_resources_of_a_failed_create(heat: HeatClient) -> Observation:
    stack = (
        heat.create_stack(build_template(timeout=1), disable_rollback=False)
        .wait_for_action("ROLLBACK")
        .wait_until_settled()
    )

    return [stack.wait_for_outcome(), sorted(stack.list_resources())]


@area.rule([ROLLED_BACK, ["V"], True])
def a_rollback_reverts_a_failed_update(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value("old"))).wait_until_settled()

    stack.update(build_template(timeout=1, V=value("new")), disable_rollback=False).wait_for_action(
        "ROLLBACK"
    )

    return [
        stack.wait_for_outcome(),
        sorted(stack.list_resources()),
        stack.read("/template") == cfn(V=value("old")),
    ]
