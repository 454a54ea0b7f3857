"""Failed stacks: what a failure leaves behind, and how a stack is updated again."""

from __future__ import annotations

from tests.contract.guest import BODY, body, put, signal
from tests.contract.heat import Heat
from tests.contract.outcomes import MADE_ANEW, ROLLED_BACK, UPDATE_FAILED, UPDATED
from tests.contract.rule import Area, Observation
from tests.contract.rules.updates import node, proven
from tests.contract.templates import att, cfn, condition, handle, value

area = Area("failed stacks")


@area.rule("UPDATE_FAILED: Resource UPDATE failed: WaitConditionTimeout: resources.W: 1 of 2 received - r")
def a_larger_count_that_nobody_meets_fails_in_place(heat: Heat) -> Observation:
    stack = heat.stack(node(timeout=1)).settled()
    put(stack.url("H"))
    stack.update(node(timeout=1)).settled()

    return stack.update(node(timeout=1, count=2)).outcome()


@area.rule(
    [
        UPDATE_FAILED + "WaitConditionFailure: resources.W: binary log is off",
        ["CREATE_IN_PROGRESS", "CREATE_FAILED"],
    ]
)
def a_failure_left_in_a_handle_fails_the_next_update(heat: Heat) -> Observation:
    stack = signal(heat.stack(node()), "H", body("FAILURE", "binary log is off")).settled()

    stack.update(node()).settled()

    return [stack.outcome(), stack.history("W")]


@area.rule([UPDATED, '{"u": "d"}'])
def a_success_under_the_same_id_mends_a_failed_stack(heat: Heat) -> Observation:
    template = cfn({"Data": att("W", "Data")}, H=handle(), W=condition())
    stack = signal(heat.stack(template), "H", body("FAILURE")).settled()

    put(stack.url("H"), BODY)
    stack.update(template).settled()

    return [stack.outcome(), stack.output("Data")]


@area.rule(UPDATE_FAILED + "WaitConditionFailure: resources.W: no")
def a_success_under_another_id_mends_nothing(heat: Heat) -> Observation:
    stack = signal(heat.stack(node()), "H", body("FAILURE", "no")).settled()

    put(stack.url("H"), body(unique="another"))

    return stack.update(node()).outcome()


@area.rule([UPDATED, ["H2", "W2"]])
def a_new_generation_mends_a_failed_stack(heat: Heat) -> Observation:
    stack = signal(heat.stack(node()), "H", body("FAILURE")).settled()

    signal(stack.update(cfn(H2=handle(), W2=condition("H2"))), "H2").settled()

    return [stack.outcome(), sorted(stack.resources())]


@area.rule(
    [
        UPDATED,
        MADE_ANEW,
    ]
)
def a_timed_out_condition_is_made_anew_by_the_next_update(heat: Heat) -> Observation:
    stack = heat.stack(node(timeout=1)).settled()
    put(stack.url("H"))

    stack.update(node(timeout=1)).settled()

    return [stack.outcome(), stack.history("W")]


@area.rule([UPDATED, "CREATE_COMPLETE"])
def what_was_never_begun_is_made_by_the_next_update(heat: Heat) -> Observation:
    template = node(After=value(DependsOn="W"))
    stack = signal(heat.stack(template), "H", body("FAILURE")).settled()

    put(stack.url("H"))
    stack.update(template).settled()

    return [stack.outcome(), stack.resources()["After"]["resource_status"]]


@area.rule(
    [
        "UPDATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        UPDATED,
        ["CREATE_COMPLETE"],
    ]
)
def an_update_while_a_condition_waits_is_taken_and_the_condition_waits_on(heat: Heat) -> Observation:
    stack = heat.stack(node()).until("W", "CREATE_IN_PROGRESS")

    stack.update(node(V=value())).until("V", "CREATE_COMPLETE")
    between = [stack.state(), stack.resources()["W"]["resource_status"]]
    signal(stack).settled()

    return [*between, stack.outcome(), stack.history("W")]


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
def a_failed_update_says_what_failed_and_keeps_the_rest(heat: Heat) -> Observation:
    stack = proven(heat)

    stack.update(node(V=value(), H2=handle(), W2=condition("H2", timeout=1))).settled()

    rows = stack.resources()
    return [stack.outcome(), {name: rows[name]["resource_status"] for name in sorted(rows)}]


@area.rule([ROLLED_BACK, []])
def a_rollback_removes_what_a_failed_create_made(heat: Heat) -> Observation:
    stack = heat.stack(node(timeout=1), disable_rollback=False).entered("ROLLBACK").settled()

    return [stack.outcome(), sorted(stack.resources())]


@area.rule([ROLLED_BACK, ["V"], True])
def a_rollback_takes_a_failed_update_back(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value("old"))).settled()

    stack.update(node(timeout=1, V=value("new")), disable_rollback=False).entered("ROLLBACK")

    return [
        stack.outcome(),
        sorted(stack.resources()),
        stack.get("/template") == cfn(V=value("old")),
    ]
