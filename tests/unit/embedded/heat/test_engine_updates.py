"""Updates of stacks: replaced operations, order, removed resources, a killed engine."""

from __future__ import annotations

from guestagent.embedded.heat.engine import Engine
from tests.support.engine_stacks import (
    build_random_string,
    build_request,
    build_value,
    build_wait_condition,
    engine_test,
    get_status,
    send_signal,
    wait_for_resource,
    wait_for_stack,
)


@engine_test
async def test_an_update_replaces_another_and_waits_for_its_resources_in_progress(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", build_request(build_wait_condition("A")))
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")

    engine.update_stack(stack, build_request({**build_wait_condition("A"), "Extra": build_value()}))
    await wait_for_resource(stack, "Extra", "CREATE_COMPLETE")
    state_before = stack.state
    send_signal(engine, stack, "A", "SUCCESS")
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    assert state_before == "UPDATE_IN_PROGRESS"
    assert [e.status for e in stack.events if e.resource == "ConditionA"] == [
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]


@engine_test
async def test_a_condition_waits_for_more_signals_if_its_count_grows(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", build_request(build_wait_condition("A")))
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")
    send_signal(engine, stack, "A", "SUCCESS")
    await wait_for_stack(stack, "CREATE_COMPLETE")

    engine.update_stack(stack, build_request(build_wait_condition("A", Count=2)))
    await wait_for_resource(stack, "ConditionA", "UPDATE_IN_PROGRESS")
    send_signal(engine, stack, "A", "SUCCESS", unique_id="another")
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    assert get_status(stack, "ConditionA") == "UPDATE_COMPLETE"


@engine_test
async def test_an_unneeded_resource_is_removed_in_parallel_and_shown_until_the_end(
    engine: Engine,
) -> None:
    stack = engine.create_stack("s", "p", build_request({"Old": build_value(), "Newer": build_value("Old")}))
    await wait_for_stack(stack, "CREATE_COMPLETE")

    engine.update_stack(stack, build_request(build_wait_condition("A")))
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")
    await wait_for_resource(stack, "Old", "DELETE_COMPLETE")
    state_before = (stack.state, get_status(stack, "Newer"))
    send_signal(engine, stack, "A", "SUCCESS")
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    assert state_before == ("UPDATE_IN_PROGRESS", "DELETE_COMPLETE")
    assert sorted(stack.resources) == ["ConditionA", "HandleA"]


@engine_test
async def test_a_removed_resource_may_return_before_the_update_that_removes_it_is_over(
    engine: Engine,
) -> None:
    stack = engine.create_stack("s", "p", build_request({"V": build_value()}))
    await wait_for_stack(stack, "CREATE_COMPLETE")
    engine.update_stack(stack, build_request(build_wait_condition("A")))
    await wait_for_resource(stack, "V", "DELETE_COMPLETE")

    engine.update_stack(stack, build_request({**build_wait_condition("A"), "V": build_value()}))
    send_signal(engine, stack, "A", "SUCCESS")
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    assert get_status(stack, "V") == "CREATE_COMPLETE"


@engine_test
async def test_two_resources_with_a_reversed_dependency_are_changed_in_the_new_order(
    engine: Engine,
) -> None:
    stack = engine.create_stack(
        "s", "p", build_request({"R": build_random_string(12, "V"), "V": build_value()})
    )
    await wait_for_stack(stack, "CREATE_COMPLETE")
    event_count = len(stack.events)

    engine.update_stack(stack, build_request({"R": build_random_string(13), "V": build_value("R")}))
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    events = [
        f"{e.resource} {e.status}" for e in stack.events[event_count:] if e.status.endswith("_COMPLETE")
    ]
    assert events[:2] == ["R UPDATE_COMPLETE", "R CREATE_COMPLETE"]
    assert sorted(events[2:4]) == ["R DELETE_COMPLETE", "V UPDATE_COMPLETE"]
    assert stack.replaced_resources == []


@engine_test
async def test_a_killed_engine_leaves_its_resources_in_progress(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", build_request(build_wait_condition("A")))
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")

    await engine.crash()
    send_signal(engine, stack, "A", "SUCCESS")

    assert (stack.state, get_status(stack, "ConditionA")) == ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS")
    assert not stack.resource_tasks
    assert stack.operation_task is not None
    assert stack.operation_task.done()


@engine_test
async def test_the_next_update_takes_over_from_a_killed_engine(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", build_request(build_wait_condition("A")))
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")
    await engine.crash()

    engine.update_stack(stack, build_request(build_wait_condition("A")))
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")
    send_signal(engine, stack, "A", "SUCCESS")
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    assert [(e.status, e.reason) for e in stack.events if e.resource == "ConditionA"][1] == (
        "CREATE_FAILED",
        "Worker went down during resource CREATE",
    )
    assert get_status(stack, "ConditionA") == "CREATE_COMPLETE"
