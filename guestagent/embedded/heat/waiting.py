"""Wait conditions and their handles. A condition waits for an event, never for a thread or a poll."""

from __future__ import annotations

import asyncio
from typing import ClassVar, cast
from urllib.parse import quote, unquote, urlsplit

from guestagent.embedded.heat import conditions
from guestagent.embedded.heat.conditions import Failed, Met, Signals
from guestagent.embedded.heat.kinds import Kind, Surroundings
from guestagent.embedded.heat.signature import presigned
from guestagent.embedded.heat.stack import Resource, Stack, new_id
from guestagent.embedded.refusals import ResourceFailure
from guestagent.embedded.template.schema import Property, Schema


class Handle(Kind):
    """Takes signals at a presigned URL, which is its reference. The URL is made once and is a secret."""

    serves_metadata = False  # its signals stand there

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def create(self, resource: Resource, stack: Stack) -> None:
        pair = self._around.keys.make(stack.id, resource.name)
        arn = quote(f"{stack.arn}/resources/{resource.name}")
        url = f"{self._around.cfn_url}/v1/waitcondition/{arn}"
        resource.data["access"] = pair.access
        resource.data["url"] = presigned(url, pair.access, pair.secret, self._around.now())
        resource.physical_id = new_id().replace("-", "")

    async def delete(self, resource: Resource, stack: Stack) -> None:
        self._around.keys.revoke(resource.data.get("access", ""))

    def reference(self, resource: Resource) -> object:
        return resource.data.get("url", resource.name)

    def signal(self, resource: Resource, body: object) -> None:
        resource.write(dict(conditions.accept(body, _signals(resource))))


class Condition(Kind):
    """Complete when its handle has enough SUCCESS; failed by one FAILURE or by its timeout."""

    schema: ClassVar[Schema] = {
        "Handle": Property("string", required=True),
        "Timeout": Property("integer", required=True, least=1, most=43200),
        "Count": Property("integer", default=1, update=True, least=1),
    }
    attributes = frozenset({"Data"})

    async def create(self, resource: Resource, stack: Stack) -> None:
        resource.physical_id = resource.id
        await self._wait(resource, stack)

    async def update(self, resource: Resource, stack: Stack, changed: frozenset[str]) -> None:
        if changed:
            await self._wait(resource, stack)

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        if not resource.physical_id:
            return None
        return conditions.data(_signals(_handle(resource, stack)))

    async def _wait(self, resource: Resource, stack: Stack) -> None:
        handle = _handle(resource, stack)
        count = cast(int, resource.properties["Count"])
        seconds = cast(int, resource.properties["Timeout"])
        try:
            await asyncio.wait_for(_met(handle, count), seconds)
        except asyncio.TimeoutError:
            raise conditions.timed_out(_signals(handle), count) from None


async def _met(handle: Resource, count: int) -> None:
    while True:
        touched = handle.touched
        verdict = conditions.judge(_signals(handle), count)
        if isinstance(verdict, Met):
            return
        if isinstance(verdict, Failed):
            raise ResourceFailure("WaitConditionFailure", verdict.reason)
        await touched.wait()


def _signals(handle: Resource) -> Signals:
    return cast(Signals, handle.metadata)


def _handle(condition: Resource, stack: Stack) -> Resource:
    """The handle that a condition's URL names; it must be one of the same stack."""
    given = str(condition.properties["Handle"])
    arn = unquote(urlsplit(given).path.rpartition("/waitcondition/")[2])
    where, _, name = arn.rpartition("/resources/")
    found = stack.resources.get(name)
    if where != stack.arn or found is None or not isinstance(found.data.get("url"), str):
        raise ResourceFailure("ValueError", f"WaitCondition invalid Handle {name or given}")
    return found
