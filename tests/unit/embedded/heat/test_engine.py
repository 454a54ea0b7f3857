"""Stack operations without HTTP and without waiting: order, failure, timeouts, concurrent updates."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping

import pytest

from guestagent.embedded.heat.engine import Engine, StackRequest
from guestagent.embedded.heat.errors import StackExists
from guestagent.embedded.heat.resources.stack import HeatStack
from guestagent.embedded.heat.template.errors import (
    InvalidTemplateReference,
    UnknownUserParameter,
    UserParameterMissing,
)
from guestagent.embedded.heat.template.parser import parse_template
from guestagent.embedded.http.errors import ApiError, EntityNotFound, NotSupported
from tests.support.engine_context import EngineContext

Resources = dict[str, dict[str, object]]


def engine_test(test: Callable[[Engine], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Runs an async test with an engine of its own, which is stopped after it."""

    async def run() -> None:
        around = EngineContext()
        engine = Engine(around)
        try:
            await asyncio.wait_for(test(engine), 10)
        finally:
            await engine.stop()
            around.executor.shutdown()

    def wrapper() -> None:
        asyncio.run(run())

    wrapper.__name__ = test.__name__
    return wrapper


@engine_test
async def test_a_failure_fails_the_stack_while_resources_in_progress_continue(engine: Engine) -> None:
    stack = engine.create_stack(
        "s", "p", wish({**waiting("A"), **waiting("B"), "After": value("ConditionB")})
    )
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")
    await until(stack, "ConditionB", "CREATE_IN_PROGRESS")

    signal(engine, stack, "A", "FAILURE")
    await state(stack, "CREATE_FAILED")
    sibling = status(stack, "ConditionB")
    signal(engine, stack, "B", "SUCCESS")
    await until(stack, "ConditionB", "CREATE_COMPLETE")
    await asyncio.sleep(0)

    assert sibling == "CREATE_IN_PROGRESS"
    assert status(stack, "After") == "INIT_COMPLETE"
    assert stack.state == "CREATE_FAILED"


@engine_test
async def test_a_stacks_timeout_ends_its_operations(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", wish(waiting("A"), minutes=0.002))

    await state(stack, "CREATE_FAILED")

    assert stack.reason == "Timed out"
    assert status(stack, "ConditionA") == "CREATE_FAILED"
    assert stack.resources["ConditionA"].reason == "CREATE aborted"


@engine_test
async def test_a_condition_that_fails_later_does_not_change_the_first_reason(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", wish({**waiting("A"), **waiting("B")}))
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")
    await until(stack, "ConditionB", "CREATE_IN_PROGRESS")

    signal(engine, stack, "A", "FAILURE", "first")
    await state(stack, "CREATE_FAILED")
    signal(engine, stack, "B", "FAILURE", "second")
    await until(stack, "ConditionB", "CREATE_FAILED")

    assert stack.reason == "Resource CREATE failed: WaitConditionFailure: resources.ConditionA: first"


@engine_test
async def test_an_update_replaces_another_and_waits_for_its_resources_in_progress(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", wish(waiting("A")))
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")

    engine.update_stack(stack, wish({**waiting("A"), "Extra": value()}))
    await until(stack, "Extra", "CREATE_COMPLETE")
    between = stack.state
    signal(engine, stack, "A", "SUCCESS")
    await state(stack, "UPDATE_COMPLETE")

    assert between == "UPDATE_IN_PROGRESS"
    assert [e.status for e in stack.events if e.resource == "ConditionA"] == [
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]


@engine_test
async def test_a_delete_cancels_operations_and_deletes_in_reverse_order(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", wish(waiting("A")))
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")

    engine.delete_stack(stack)
    await state(stack, "DELETE_COMPLETE")

    gone = [
        event.resource
        for event in stack.events
        if event.status == "DELETE_COMPLETE" and event.resource != "s"
    ]
    assert gone == ["ConditionA", "HandleA"]
    assert engine.find_stack(stack.id) is stack
    with pytest.raises(EntityNotFound, match=r"The Stack \(s\) could not be found\."):
        engine.find_stack("s")


@engine_test
async def test_a_condition_waits_for_more_signals_if_its_count_grows(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", wish(waiting("A")))
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")
    signal(engine, stack, "A", "SUCCESS")
    await state(stack, "CREATE_COMPLETE")

    engine.update_stack(stack, wish(waiting("A", Count=2)))
    await until(stack, "ConditionA", "UPDATE_IN_PROGRESS")
    signal(engine, stack, "A", "SUCCESS", unique="another")
    await state(stack, "UPDATE_COMPLETE")

    assert status(stack, "ConditionA") == "UPDATE_COMPLETE"


@engine_test
async def test_a_random_string_stays_while_its_properties_do(engine: Engine) -> None:
    def password(length: int) -> Resources:
        return {
            "Password": {"Type": "OS::Heat::RandomString", "Properties": {"length": length}},
            "Shown": {"Type": "OS::Heat::Value", "Properties": {"value": {"Ref": "Password"}}},
        }

    stack = engine.create_stack("s", "p", wish(password(20)))
    await state(stack, "CREATE_COMPLETE")
    seen = [shown(stack)]
    for length in (20, 24):
        engine.update_stack(stack, wish(password(length)))
        await state(stack, "UPDATE_COMPLETE")
        seen.append(shown(stack))

    assert seen[0] == seen[1] != seen[2]
    assert [len(str(text)) for text in seen] == [20, 20, 24]


@engine_test
async def test_a_value_that_cannot_be_resolved_fails_its_resource(engine: Engine) -> None:
    joined = {"Fn::Join": ["", [{"Fn::GetAtt": ["Number", "value"]}]]}
    resources: Resources = {
        "Number": {"Type": "OS::Heat::Value", "Properties": {"value": 7}},
        "Text": {"Type": "OS::Heat::Value", "Properties": {"value": joined}},
    }

    stack = engine.create_stack("s", "p", wish(resources))
    await state(stack, "CREATE_FAILED")

    assert (
        stack.reason
        == "Resource CREATE failed: TypeError: resources.Text: Items to join must be strings not 7"
    )


@engine_test
async def test_an_unknown_name_in_metadata_fails_its_resource_and_not_the_request(
    engine: Engine,
) -> None:
    stack = engine.create_stack(
        "s", "p", wish({"V": {**value(), "Metadata": {"ReadyWaitCondition": {"Ref": "Nobody"}}}})
    )
    await state(stack, "CREATE_FAILED")

    assert stack.reason == (
        "Resource CREATE failed: InvalidTemplateReference: resources.V: "
        'The specified reference "Nobody" (in unknown) is incorrect.'
    )


@engine_test
async def test_a_retained_resource_outlives_its_stack(engine: Engine) -> None:
    resources = waiting("A")
    resources["HandleA"]["DeletionPolicy"] = "Retain"
    del resources["ConditionA"]
    stack = engine.create_stack("s", "p", wish(resources))
    await state(stack, "CREATE_COMPLETE")
    access = stack.resources["HandleA"].data["access"]

    engine.delete_stack(stack)
    await state(stack, "DELETE_COMPLETE")

    assert engine.context.ec2_credentials.find(access) is not None


@engine_test
async def test_a_handle_of_another_stack_is_rejected(engine: Engine) -> None:
    first = engine.create_stack("first", "p", wish(waiting("A")))
    await until(first, "HandleA", "CREATE_COMPLETE")
    url = first.resources["HandleA"].data["url"]
    foreign = waiting("A")
    foreign["ConditionA"]["Properties"] = {"Handle": url, "Timeout": 9}

    stack = engine.create_stack("s", "p", wish(foreign))
    await state(stack, "CREATE_FAILED")

    assert stack.reason.startswith(
        "Resource CREATE failed: ValueError: resources.ConditionA: WaitCondition invalid"
    )


@engine_test
async def test_an_unneeded_resource_is_removed_in_parallel_and_shown_until_the_end(
    engine: Engine,
) -> None:
    stack = engine.create_stack("s", "p", wish({"Old": value(), "Newer": value("Old")}))
    await state(stack, "CREATE_COMPLETE")

    engine.update_stack(stack, wish(waiting("A")))
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")
    await until(stack, "Old", "DELETE_COMPLETE")
    between = (stack.state, status(stack, "Newer"))
    signal(engine, stack, "A", "SUCCESS")
    await state(stack, "UPDATE_COMPLETE")

    assert between == ("UPDATE_IN_PROGRESS", "DELETE_COMPLETE")
    assert sorted(stack.resources) == ["ConditionA", "HandleA"]


@engine_test
async def test_a_removed_resource_may_return_before_the_update_that_removes_it_is_over(
    engine: Engine,
) -> None:
    stack = engine.create_stack("s", "p", wish({"V": value()}))
    await state(stack, "CREATE_COMPLETE")
    engine.update_stack(stack, wish(waiting("A")))
    await until(stack, "V", "DELETE_COMPLETE")

    engine.update_stack(stack, wish({**waiting("A"), "V": value()}))
    signal(engine, stack, "A", "SUCCESS")
    await state(stack, "UPDATE_COMPLETE")

    assert status(stack, "V") == "CREATE_COMPLETE"


@engine_test
async def test_two_resources_with_a_reversed_dependency_are_changed_in_the_new_order(
    engine: Engine,
) -> None:
    stack = engine.create_stack("s", "p", wish({"R": text(12, "V"), "V": value()}))
    await state(stack, "CREATE_COMPLETE")
    began = len(stack.events)

    engine.update_stack(stack, wish({"R": text(13), "V": value("R")}))
    await state(stack, "UPDATE_COMPLETE")

    ended = [f"{e.resource} {e.status}" for e in stack.events[began:] if e.status.endswith("_COMPLETE")]
    assert ended[:2] == ["R UPDATE_COMPLETE", "R CREATE_COMPLETE"]
    assert sorted(ended[2:4]) == ["R DELETE_COMPLETE", "V UPDATE_COMPLETE"]
    assert stack.replaced_resources == []


@engine_test
async def test_references_resolve_to_parameters(engine: Engine) -> None:
    parameters = {"Size": {"Type": "String"}, "Color": {"Type": "String", "Default": "red"}}
    shown_value = {"Fn::Join": ["/", [{"Ref": "Size"}, {"Ref": "Color"}, {"Ref": "AWS::StackName"}]]}
    resources: Resources = {"Shown": {"Type": "OS::Heat::Value", "Properties": {"value": shown_value}}}

    stack = engine.create_stack("s", "p", wish(resources, parameters, Size="large"))
    await state(stack, "CREATE_COMPLETE")

    assert shown(stack) == "large/red/s"
    with pytest.raises(UserParameterMissing, match=r"The Parameter \(Size\) was not provided\."):
        engine.create_stack("t", "p", wish(resources, parameters))
    with pytest.raises(UnknownUserParameter, match=r"The Parameter \(Weight\) was not defined in template\."):
        engine.create_stack("t", "p", wish(resources, parameters, Size="x", Weight="y"))


@engine_test
async def test_a_rejected_request_starts_nothing(engine: Engine) -> None:
    refused: list[tuple[type[ApiError], Resources]] = [
        (
            InvalidTemplateReference,
            {"V": {"Type": "OS::Heat::Value", "DependsOn": "X", "Properties": {"value": 1}}},
        ),
        (ApiError, {"V": {"Type": "OS::Heat::Value", "Properties": {}}}),
        (ApiError, {"P": {"Type": "OS::Heat::AccessPolicy", "Properties": {"AllowedResources": ["X"]}}}),
        (ApiError, {"V": {"Type": "OS::Heat::Value", "Properties": {"value": {"Fn::GetAtt": ["X", "y"]}}}}),
    ]

    for kind, resources in refused:
        with pytest.raises(kind):
            engine.create_stack("s", "p", wish(resources))

    assert engine.list_stacks() == ()


@engine_test
async def test_a_name_is_in_use_while_its_stack_exists_and_a_stack_in_deletion_rejects_updates(
    engine: Engine,
) -> None:
    stack = engine.create_stack("s", "p", wish(waiting("A")))
    with pytest.raises(StackExists):
        engine.create_stack("s", "p", wish(waiting("A")))

    engine.delete_stack(stack)
    with pytest.raises(NotSupported):
        engine.update_stack(stack, wish(waiting("A")))
    await state(stack, "DELETE_COMPLETE")

    assert engine.create_stack("s", "p", wish({"V": value()})).id != stack.id


@engine_test
async def test_a_killed_engine_leaves_its_resources_in_progress(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", wish(waiting("A")))
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")

    await engine.crash()
    signal(engine, stack, "A", "SUCCESS")

    assert (stack.state, status(stack, "ConditionA")) == ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS")
    assert not stack.resource_tasks
    assert stack.operation_task is not None
    assert stack.operation_task.done()


@engine_test
async def test_the_next_update_takes_over_from_a_killed_engine(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", wish(waiting("A")))
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")
    await engine.crash()

    engine.update_stack(stack, wish(waiting("A")))
    await until(stack, "ConditionA", "CREATE_IN_PROGRESS")
    signal(engine, stack, "A", "SUCCESS")
    await state(stack, "UPDATE_COMPLETE")

    assert [(e.status, e.reason) for e in stack.events if e.resource == "ConditionA"][1] == (
        "CREATE_FAILED",
        "Worker went down during resource CREATE",
    )
    assert status(stack, "ConditionA") == "CREATE_COMPLETE"


def wish(
    resources: Resources,
    parameters: Mapping[str, object] | None = None,
    minutes: float | None = None,
    **given: object,
) -> StackRequest:
    source = {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": parameters, "Resources": resources}
    return StackRequest(parse_template(source), given, timeout_mins=minutes)


def waiting(name: str, **properties: object) -> Resources:
    """A handle and its condition."""
    wanted = {"Handle": {"Ref": f"Handle{name}"}, "Timeout": 60, **properties}
    return {
        f"Handle{name}": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        f"Condition{name}": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": wanted},
    }


def value(*depends_on: str) -> dict[str, object]:
    return {"Type": "OS::Heat::Value", "DependsOn": list(depends_on), "Properties": {"value": "x"}}


def text(length: int, *depends_on: str) -> dict[str, object]:
    return {
        "Type": "OS::Heat::RandomString",
        "DependsOn": list(depends_on),
        "Properties": {"length": length},
    }


def signal(
    engine: Engine, stack: HeatStack, name: str, message: str, reason: str = "so", unique: str = "node"
) -> None:
    handle = stack.resources[f"Handle{name}"]
    body = {"Status": message, "Reason": reason, "UniqueId": unique, "Data": None}
    engine.get_resource_type(handle).handle_signal(handle, body)


def status(stack: HeatStack, name: str) -> str:
    resource = stack.resources[name]
    return f"{resource.action}_{resource.status}"


def shown(stack: HeatStack) -> object:
    return stack.resources["Shown"].properties["value"]


async def until(stack: HeatStack, name: str, wanted: str) -> None:
    await holds(lambda: name in stack.resources and status(stack, name) == wanted)


async def state(stack: HeatStack, wanted: str) -> None:
    await holds(lambda: stack.state == wanted)


def holds(true: Callable[[], bool]) -> Awaitable[None]:
    async def wait() -> None:
        while not true():
            await asyncio.sleep(0.001)

    return wait()
