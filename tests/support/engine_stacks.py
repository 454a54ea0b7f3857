"""Stacks of an engine of the embedded Heat: requests, signals and states."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from guestagent.embedded.heat.engine import Engine, StackRequest
from guestagent.embedded.heat.resources.stack import HeatStack
from guestagent.embedded.heat.template.parser import parse_template
from tests.support.engine_context import EngineContext

Resources = dict[str, dict[str, object]]


def engine_test(test: Callable[[Engine], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run an async test with its own engine, and stop the engine after it."""

    async def run() -> None:
        context = EngineContext()
        engine = Engine(context)
        try:
            await asyncio.wait_for(test(engine), 10)
        finally:
            await engine.stop()
            context.executor.shutdown()

    def wrapper() -> None:
        asyncio.run(run())

    wrapper.__name__ = test.__name__
    return wrapper


def build_request(
    resources: Resources,
    parameters: Mapping[str, object] | None = None,
    minutes: float | None = None,
    **parameter_values: object,
) -> StackRequest:
    source = {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": parameters, "Resources": resources}
    return StackRequest(parse_template(source), parameter_values, timeout_mins=minutes)


def build_wait_condition(name: str, **properties: object) -> Resources:
    """Build a handle and its condition."""
    condition_properties = {"Handle": {"Ref": f"Handle{name}"}, "Timeout": 60, **properties}
    return {
        f"Handle{name}": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        f"Condition{name}": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": condition_properties,
        },
    }


def build_value(*depends_on: str) -> dict[str, object]:
    return {"Type": "OS::Heat::Value", "DependsOn": list(depends_on), "Properties": {"value": "x"}}


def build_random_string(length: int, *depends_on: str) -> dict[str, object]:
    return {
        "Type": "OS::Heat::RandomString",
        "DependsOn": list(depends_on),
        "Properties": {"length": length},
    }


def send_signal(
    engine: Engine,
    stack: HeatStack,
    name: str,
    signal_status: str,
    reason: str = "so",
    unique_id: str = "node",
) -> None:
    handle = stack.resources[f"Handle{name}"]
    body = {"Status": signal_status, "Reason": reason, "UniqueId": unique_id, "Data": None}
    engine.get_resource_type(handle).handle_signal(handle, body)


def get_status(stack: HeatStack, name: str) -> str:
    resource = stack.resources[name]
    return f"{resource.action}_{resource.status}"


def get_shown_value(stack: HeatStack) -> object:
    return stack.resources["Shown"].properties["value"]


async def wait_for_resource(stack: HeatStack, name: str, state: str) -> None:
    await wait_until(lambda: name in stack.resources and get_status(stack, name) == state)


async def wait_for_stack(stack: HeatStack, state: str) -> None:
    await wait_until(lambda: stack.state == state)


async def wait_until(is_true: Callable[[], bool]) -> None:
    while not is_true():
        await asyncio.sleep(0.001)
