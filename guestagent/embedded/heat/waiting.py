"""Wait conditions of both dialects. A condition waits for an event, never for a thread or a poll."""

from __future__ import annotations

import asyncio
from typing import ClassVar, cast
from urllib.parse import unquote, urlsplit

from guestagent.embedded.heat import conditions
from guestagent.embedded.heat.conditions import Failed, Met
from guestagent.embedded.heat.handles import SPELLINGS, signals_of
from guestagent.embedded.heat.kinds import Kind
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.refusals import ResourceFailure
from guestagent.embedded.template.schema import Property, Schema

LONGEST = 43200


class Condition(Kind):
    """Complete when its handle has enough SUCCESS; failed by one FAILURE or by its timeout."""

    hot: ClassVar[bool]

    async def create(self, resource: Resource, stack: Stack) -> None:
        await self._wait(resource, stack)

    async def update(self, resource: Resource, stack: Stack, changed: frozenset[str]) -> None:
        if changed:
            await self._wait(resource, stack)

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        handle = self._known(resource, stack) if resource.properties else None
        if handle is None:
            return "" if self.hot else None
        return conditions.data(signals_of(handle), SPELLINGS[handle.type])

    async def _wait(self, resource: Resource, stack: Stack) -> None:
        handle = self._handle(resource, stack)
        count = cast(int, resource.properties[self._key("count")])
        seconds = cast(float, resource.properties[self._key("timeout")])
        try:
            await asyncio.wait_for(_met(handle, count), seconds)
        except asyncio.TimeoutError:
            raise conditions.timed_out(signals_of(handle), count, SPELLINGS[handle.type]) from None

    def _key(self, name: str) -> str:
        return name if self.hot else name.capitalize()

    def _known(self, condition: Resource, stack: Stack) -> Resource | None:
        try:
            return self._handle(condition, stack)
        except ResourceFailure:
            return None

    def _handle(self, condition: Resource, stack: Stack) -> Resource:
        """The handle that the condition names; ResourceFailure where there is none in its stack."""
        raise NotImplementedError


class CfnCondition(Condition):
    """Its handle is named by a URL."""

    hot = False
    schema: ClassVar[Schema] = {
        "Handle": Property("string", required=True),
        "Timeout": Property("integer", required=True, least=1, most=LONGEST),
        "Count": Property("integer", default=1, update=True, least=1),
    }
    attributes = frozenset({"Data"})

    def _handle(self, condition: Resource, stack: Stack) -> Resource:
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


class HotCondition(Condition):
    """Its handle is named by its reference: a user's id, or the URL of the other dialect's handle."""

    hot = True
    schema: ClassVar[Schema] = {
        "handle": Property("string", required=True),
        "timeout": Property("number", required=True, least=1, most=LONGEST),
        "count": Property("integer", default=1, update=True, least=1),
    }
    attributes = frozenset({"data"})

    def _handle(self, condition: Resource, stack: Stack) -> Resource:
        given = condition.properties["handle"]
        for resource in stack.resources.values():
            if given in (resource.data.get("url"), resource.physical_id):
                if resource.type in SPELLINGS:
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


async def _met(handle: Resource, count: int) -> None:
    while True:
        touched = handle.touched
        verdict = conditions.judge(signals_of(handle), count, SPELLINGS[handle.type])
        if isinstance(verdict, Met):
            return
        if isinstance(verdict, Failed):
            raise ResourceFailure("WaitConditionFailure", verdict.reason)
        await touched.wait()
