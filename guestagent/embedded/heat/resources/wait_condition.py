"""Wait conditions of both template formats. A condition waits for an event, without a thread or polling."""

from __future__ import annotations

import asyncio
from typing import ClassVar, cast
from urllib.parse import unquote, urlsplit

from guestagent.embedded.heat.resources import wait_condition_rules
from guestagent.embedded.heat.resources.resource_type import ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.resources.wait_condition_rules import ConditionFailed, ConditionMet
from guestagent.embedded.heat.resources.wait_handle import SIGNAL_KEYS_BY_TYPE, read_signals
from guestagent.embedded.heat.template.property_schema import Property, Schema
from guestagent.embedded.http.errors import ResourceFailure

TIMEOUT_LIMIT_S = 43200


class WaitCondition(ResourceType):
    """Completes when its handle has enough SUCCESS signals. One FAILURE, or the timeout, fails it."""

    is_hot: ClassVar[bool]

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        await self._wait_for_signals(resource, stack)

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        if changed:
            await self._wait_for_signals(resource, stack)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        handle = self._find_handle(resource, stack) if resource.properties else None
        if handle is None:
            return "" if self.is_hot else None
        return wait_condition_rules.format_data(read_signals(handle), SIGNAL_KEYS_BY_TYPE[handle.type])

    async def _wait_for_signals(self, resource: StackResource, stack: HeatStack) -> None:
        handle = self._get_handle(resource, stack)
        count = cast(int, resource.properties[self._get_property_name("count")])
        timeout_s = cast(float, resource.properties[self._get_property_name("timeout")])
        try:
            await asyncio.wait_for(_wait_until_met(handle, count), timeout_s)
        except asyncio.TimeoutError:
            raise wait_condition_rules.build_timeout_error(
                read_signals(handle), count, SIGNAL_KEYS_BY_TYPE[handle.type]
            ) from None

    def _get_property_name(self, name: str) -> str:
        return name if self.is_hot else name.capitalize()

    def _find_handle(self, condition: StackResource, stack: HeatStack) -> StackResource | None:
        try:
            return self._get_handle(condition, stack)
        except ResourceFailure:
            return None

    def _get_handle(self, condition: StackResource, stack: HeatStack) -> StackResource:
        """Return the handle that the condition names; ResourceFailure if its stack has none such."""
        raise NotImplementedError


class CfnWaitCondition(WaitCondition):
    """A condition whose handle is named by a URL."""

    is_hot = False
    schema: ClassVar[Schema] = {
        "Handle": Property("string", required=True),
        "Timeout": Property("integer", required=True, minimum=1, maximum=TIMEOUT_LIMIT_S),
        "Count": Property("integer", default=1, update_allowed=True, minimum=1),
    }
    attributes = frozenset({"Data"})

    def _get_handle(self, condition: StackResource, stack: HeatStack) -> StackResource:
        handle_reference = str(condition.properties["Handle"])
        stack_arn, name = _parse_handle_url(handle_reference)
        handle = stack.resources.get(name)
        if stack_arn != stack.arn:
            _, stack_name, stack_id = stack_arn.split("/")
            foreign_stack = stack_id if stack_name == stack.name else stack_name
            raise ResourceFailure("ValueError", f"WaitCondition invalid Handle stack {foreign_stack}")
        if handle is None or handle.type != "AWS::CloudFormation::WaitConditionHandle":
            raise ResourceFailure("ValueError", f"WaitCondition invalid Handle {name}")
        return handle


class HotWaitCondition(WaitCondition):
    """A condition whose handle is named by its reference: a user's id, or a CloudFormation handle's URL."""

    is_hot = True
    schema: ClassVar[Schema] = {
        "handle": Property("string", required=True),
        "timeout": Property("number", required=True, minimum=1, maximum=TIMEOUT_LIMIT_S),
        "count": Property("integer", default=1, update_allowed=True, minimum=1),
    }
    attributes = frozenset({"data"})

    def _get_handle(self, condition: StackResource, stack: HeatStack) -> StackResource:
        handle_reference = condition.properties["handle"]
        for resource in stack.resources.values():
            if handle_reference in (resource.data.get("url"), resource.physical_id):
                if resource.type in SIGNAL_KEYS_BY_TYPE:
                    return resource
                handle_reference = resource.name
        raise ResourceFailure("ValueError", f"{handle_reference} is not a valid wait condition handle.")


def _parse_handle_url(url: str) -> tuple[str, str]:
    """Return the stack's ARN and the handle's name in a presigned URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path:
        raise ResourceFailure("ValueError", f'"{url}" is not a valid URL')
    stack_arn, _, name = unquote(parts.path.rpartition("/waitcondition/")[2]).rpartition("/resources/")
    if len(stack_arn.split("/")) != 3:
        raise ResourceFailure("ValueError", f'"{url}" is not a valid ARN URL')
    return stack_arn, name


async def _wait_until_met(handle: StackResource, count: int) -> None:
    while True:
        change_event = handle.change_event
        outcome = wait_condition_rules.evaluate_condition(
            read_signals(handle), count, SIGNAL_KEYS_BY_TYPE[handle.type]
        )
        if isinstance(outcome, ConditionMet):
            return
        if isinstance(outcome, ConditionFailed):
            raise ResourceFailure("WaitConditionFailure", outcome.reason)
        await change_event.wait()
