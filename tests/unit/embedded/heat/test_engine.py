"""Stack operations without HTTP and without waiting: order, failure, timeouts, concurrent updates."""

from __future__ import annotations

import asyncio

import pytest

from guestagent.embedded.heat.engine import Engine
from guestagent.embedded.heat.errors import StackExists
from guestagent.embedded.heat.template.errors import (
    InvalidTemplateReference,
    UnknownUserParameter,
    UserParameterMissing,
)
from guestagent.embedded.http.errors import ApiError, EntityNotFound, NotSupported
from tests.support.engine_stacks import (
    Resources,
    build_request,
    build_value,
    build_wait_condition,
    engine_test,
    get_shown_value,
    get_status,
    send_signal,
    wait_for_resource,
    wait_for_stack,
)


@engine_test
async def test_a_failure_fails_the_stack_while_resources_in_progress_continue(engine: Engine) -> None:
    stack = engine.create_stack(
        "s",
        "p",
        build_request(
            {**build_wait_condition("A"), **build_wait_condition("B"), "After": build_value("ConditionB")}
        ),
    )
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")
    await wait_for_resource(stack, "ConditionB", "CREATE_IN_PROGRESS")

    send_signal(engine, stack, "A", "FAILURE")
    await wait_for_stack(stack, "CREATE_FAILED")
    sibling = get_status(stack, "ConditionB")
    send_signal(engine, stack, "B", "SUCCESS")
    await wait_for_resource(stack, "ConditionB", "CREATE_COMPLETE")
    await asyncio.sleep(0)

    assert sibling == "CREATE_IN_PROGRESS"
    assert get_status(stack, "After") == "INIT_COMPLETE"
    assert stack.state == "CREATE_FAILED"


@engine_test
async def test_a_stacks_timeout_ends_its_operations(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", build_request(build_wait_condition("A"), minutes=0.002))

    await wait_for_stack(stack, "CREATE_FAILED")

    assert stack.reason == "Timed out"
    assert get_status(stack, "ConditionA") == "CREATE_FAILED"
    assert stack.resources["ConditionA"].reason == "CREATE aborted"


@engine_test
async def test_a_condition_that_fails_later_does_not_change_the_first_reason(engine: Engine) -> None:
    stack = engine.create_stack(
        "s", "p", build_request({**build_wait_condition("A"), **build_wait_condition("B")})
    )
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")
    await wait_for_resource(stack, "ConditionB", "CREATE_IN_PROGRESS")

    send_signal(engine, stack, "A", "FAILURE", "first")
    await wait_for_stack(stack, "CREATE_FAILED")
    send_signal(engine, stack, "B", "FAILURE", "second")
    await wait_for_resource(stack, "ConditionB", "CREATE_FAILED")

    assert stack.reason == "Resource CREATE failed: WaitConditionFailure: resources.ConditionA: first"


@engine_test
async def test_a_delete_cancels_operations_and_deletes_in_reverse_order(engine: Engine) -> None:
    stack = engine.create_stack("s", "p", build_request(build_wait_condition("A")))
    await wait_for_resource(stack, "ConditionA", "CREATE_IN_PROGRESS")

    engine.delete_stack(stack)
    await wait_for_stack(stack, "DELETE_COMPLETE")

    resources = [
        event.resource
        for event in stack.events
        if event.status == "DELETE_COMPLETE" and event.resource != "s"
    ]
    assert resources == ["ConditionA", "HandleA"]
    assert engine.find_stack(stack.id) is stack
    with pytest.raises(EntityNotFound, match=r"The Stack \(s\) could not be found\."):
        engine.find_stack("s")


@engine_test
async def test_a_random_string_stays_while_its_properties_do(engine: Engine) -> None:
    def password(length: int) -> Resources:
        return {
            "Password": {"Type": "OS::Heat::RandomString", "Properties": {"length": length}},
            "Shown": {"Type": "OS::Heat::Value", "Properties": {"value": {"Ref": "Password"}}},
        }

    stack = engine.create_stack("s", "p", build_request(password(20)))
    await wait_for_stack(stack, "CREATE_COMPLETE")
    values = [get_shown_value(stack)]
    for length in (20, 24):
        engine.update_stack(stack, build_request(password(length)))
        await wait_for_stack(stack, "UPDATE_COMPLETE")
        values.append(get_shown_value(stack))

    assert values[0] == values[1] != values[2]
    assert [len(str(value)) for value in values] == [20, 20, 24]


@engine_test
async def test_a_value_that_cannot_be_resolved_fails_its_resource(engine: Engine) -> None:
    joined = {"Fn::Join": ["", [{"Fn::GetAtt": ["Number", "value"]}]]}
    resources: Resources = {
        "Number": {"Type": "OS::Heat::Value", "Properties": {"value": 7}},
        "Text": {"Type": "OS::Heat::Value", "Properties": {"value": joined}},
    }

    stack = engine.create_stack("s", "p", build_request(resources))
    await wait_for_stack(stack, "CREATE_FAILED")

    assert (
        stack.reason
        == "Resource CREATE failed: TypeError: resources.Text: Items to join must be strings not 7"
    )


@engine_test
async def test_an_unknown_name_in_metadata_fails_its_resource_and_not_the_request(
    engine: Engine,
) -> None:
    stack = engine.create_stack(
        "s",
        "p",
        build_request({"V": {**build_value(), "Metadata": {"ReadyWaitCondition": {"Ref": "Nobody"}}}}),
    )
    await wait_for_stack(stack, "CREATE_FAILED")

    assert stack.reason == (
        "Resource CREATE failed: InvalidTemplateReference: resources.V: "
        'The specified reference "Nobody" (in unknown) is incorrect.'
    )


@engine_test
async def test_a_retained_resource_outlives_its_stack(engine: Engine) -> None:
    resources = build_wait_condition("A")
    resources["HandleA"]["DeletionPolicy"] = "Retain"
    del resources["ConditionA"]
    stack = engine.create_stack("s", "p", build_request(resources))
    await wait_for_stack(stack, "CREATE_COMPLETE")
    access = stack.resources["HandleA"].data["access"]

    engine.delete_stack(stack)
    await wait_for_stack(stack, "DELETE_COMPLETE")

    assert engine.context.ec2_credentials.find(access) is not None


@engine_test
async def test_a_handle_of_another_stack_is_rejected(engine: Engine) -> None:
    first = engine.create_stack("first", "p", build_request(build_wait_condition("A")))
    await wait_for_resource(first, "HandleA", "CREATE_COMPLETE")
    url = first.resources["HandleA"].data["url"]
    foreign = build_wait_condition("A")
    foreign["ConditionA"]["Properties"] = {"Handle": url, "Timeout": 9}

    stack = engine.create_stack("s", "p", build_request(foreign))
    await wait_for_stack(stack, "CREATE_FAILED")

    assert stack.reason.startswith(
        "Resource CREATE failed: ValueError: resources.ConditionA: WaitCondition invalid"
    )


@engine_test
async def test_references_resolve_to_parameters(engine: Engine) -> None:
    parameters = {"Size": {"Type": "String"}, "Color": {"Type": "String", "Default": "red"}}
    shown_value = {"Fn::Join": ["/", [{"Ref": "Size"}, {"Ref": "Color"}, {"Ref": "AWS::StackName"}]]}
    resources: Resources = {"Shown": {"Type": "OS::Heat::Value", "Properties": {"value": shown_value}}}

    stack = engine.create_stack("s", "p", build_request(resources, parameters, Size="large"))
    await wait_for_stack(stack, "CREATE_COMPLETE")

    assert get_shown_value(stack) == "large/red/s"
    with pytest.raises(UserParameterMissing, match=r"The Parameter \(Size\) was not provided\."):
        engine.create_stack("t", "p", build_request(resources, parameters))
    with pytest.raises(UnknownUserParameter, match=r"The Parameter \(Weight\) was not defined in template\."):
        engine.create_stack("t", "p", build_request(resources, parameters, Size="x", Weight="y"))


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
            engine.create_stack("s", "p", build_request(resources))

    assert engine.list_stacks() == ()


@engine_test
async def test_a_name_is_in_use_while_its_stack_exists_and_a_stack_in_deletion_rejects_updates(
    engine: Engine,
) -> None:
    stack = engine.create_stack("s", "p", build_request(build_wait_condition("A")))
    with pytest.raises(StackExists):
        engine.create_stack("s", "p", build_request(build_wait_condition("A")))

    engine.delete_stack(stack)
    with pytest.raises(NotSupported):
        engine.update_stack(stack, build_request(build_wait_condition("A")))
    await wait_for_stack(stack, "DELETE_COMPLETE")

    assert engine.create_stack("s", "p", build_request({"V": build_value()})).id != stack.id
