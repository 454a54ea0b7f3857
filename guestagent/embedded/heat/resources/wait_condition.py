"""Wait conditions of both dialects. A condition waits for an event, never for a thread or a poll."""

from __future__ import annotations

import asyncio
from typing import ClassVar, cast
from urllib.parse import unquote, urlsplit

from guestagent.embedded.heat.resources import signal_rules
from guestagent.embedded.heat.resources.resource_type import ResourceType
from guestagent.embedded.heat.resources.signal_rules import ConditionFailed, ConditionMet
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.resources.wait_handle import SIGNAL_KEYS_BY_TYPE, read_signals
from guestagent.embedded.heat.template.property_schema import Property, Schema
from guestagent.embedded.http.errors import ResourceFailure

TIMEOUT_LIMIT_S = 43200


class WaitCondition(ResourceType):
    """Complete when its handle has enough SUCCESS; failed by one FAILURE or by its timeout."""

    is_hot: ClassVar[bool]

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        await self._wait(resource, stack)

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        if changed:
            await self._wait(resource, stack)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        handle = self._known(resource, stack) if resource.properties else None
        if handle is None:
            return "" if self.is_hot else None
        return signal_rules.format_data(read_signals(handle), SIGNAL_KEYS_BY_TYPE[handle.type])

    async def _wait(self, resource: StackResource, stack: HeatStack) -> None:
        handle = self._handle(resource, stack)
        count = cast(int, resource.properties[self._key("count")])
        seconds = cast(float, resource.properties[self._key("timeout")])
        try:
            await asyncio.wait_for(_met(handle, count), seconds)
        except asyncio.TimeoutError:
            raise signal_rules.build_timeout_error(
                read_signals(handle), count, SIGNAL_KEYS_BY_TYPE[handle.type]
            ) from None

    def _key(self, name: str) -> str:
        return name if self.is_hot else name.capitalize()

    def _known(self, condition: StackResource, stack: HeatStack) -> StackResource | None:
        try:
            return self._handle(condition, stack)
        except ResourceFailure:
            return None

    def _handle(self, condition: StackResource, stack: HeatStack) -> StackResource:
        """The handle that the condition names; ResourceFailure where there is none in its stack."""
        raise NotImplementedError


class CfnWaitCondition(WaitCondition):
    """Its handle is named by a URL."""

    is_hot = False
    schema: ClassVar[Schema] = {
        "Handle": Property("string", required=True),
        "Timeout": Property("integer", required=True, minimum=1, maximum=TIMEOUT_LIMIT_S),
        "Count": Property("integer", default=1, update_allowed=True, minimum=1),
    }
    attributes = frozenset({"Data"})

    def _handle(self, condition: StackResource, stack: HeatStack) -> StackResource:
        given = str(condition.properties["Handle"])
        stack_arn, name = _addressed(given)
        found = stack.resources.get(name)
        if stack_arn != stack.arn:
            _, other, its_id = stack_arn.split("/")
            told = its_id if other == stack.name else other
            raise ResourceFailure("ValueError", f"WaitCondition invalid Handle stack {told}")
        if found is None or found.type != "AWS::CloudFormation::WaitConditionHandle":
            raise ResourceFailure("ValueError", f"WaitCondition invalid Handle {name}")
        return found


class HotWaitCondition(WaitCondition):
    """Its handle is named by its reference: a user's id, or the URL of the other dialect's handle."""

    is_hot = True
    schema: ClassVar[Schema] = {
        "handle": Property("string", required=True),
        "timeout": Property("number", required=True, minimum=1, maximum=TIMEOUT_LIMIT_S),
        "count": Property("integer", default=1, update_allowed=True, minimum=1),
    }
    attributes = frozenset({"data"})

    def _handle(self, condition: StackResource, stack: HeatStack) -> StackResource:
        given = condition.properties["handle"]
        for resource in stack.resources.values():
            if given in (resource.data.get("url"), resource.physical_id):
                if resource.type in SIGNAL_KEYS_BY_TYPE:
                    return resource
                given = resource.name
        raise ResourceFailure("ValueError", f"{given} is not a valid wait condition handle.")


def _addressed(url: str) -> tuple[str, str]:
    """The stack's arn and the handle's name in a presigned URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path:
        raise ResourceFailure("ValueError", f'"{url}" is not a valid URL')
    stack_arn, _, name = unquote(parts.path.rpartition("/waitcondition/")[2]).rpartition("/resources/")
    if len(stack_arn.split("/")) != 3:
        raise ResourceFailure("ValueError", f'"{url}" is not a valid ARN URL')
    return stack_arn, name


async def _met(handle: StackResource, count: int) -> None:
    while True:
        touched = handle.change_event
        verdict = signal_rules.evaluate_condition(
            read_signals(handle), count, SIGNAL_KEYS_BY_TYPE[handle.type]
        )
        if isinstance(verdict, ConditionMet):
            return
        if isinstance(verdict, ConditionFailed):
            raise ResourceFailure("WaitConditionFailure", verdict.reason)
        await touched.wait()
