"""OS::Heat::TestResource: stores a value, and waits or fails when told to. OpenStack's own tests are made of it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from guestagent.embedded.heat.resources.resource_type import Properties, ResourceType
from guestagent.embedded.heat.resources.stack import CREATE, DELETE, UPDATE, HeatStack, StackResource
from guestagent.embedded.heat.template.property_schema import Property, Schema
from guestagent.embedded.http.errors import ResourceFailure

SECONDS_PROPERTY = Property("number", update_allowed=True)


class TestResource(ResourceType):
    """`value` comes back as the attribute `output`; `wait_secs` below zero is for ever."""

    __test__ = False  # pytest takes the name for a test's

    schema: ClassVar[Schema] = {
        "value": Property("string", default="test_string", update_allowed=True),
        "update_replace_value": Property("string"),
        "fail": Property("boolean", default=False, update_allowed=True),
        "update_replace": Property("boolean", default=False, update_allowed=True),
        "wait_secs": Property("number", default=0, update_allowed=True),
        "action_wait_secs": Property(
            "map",
            update_allowed=True,
            schema={"create": SECONDS_PROPERTY, "update": SECONDS_PROPERTY, "delete": SECONDS_PROPERTY},
        ),
        "attr_wait_secs": Property("number", default=0, update_allowed=True, supported=False),
        "constraint_prop_secs": Property("number", default=0, update_allowed=True, supported=False),
        "client_name": Property(
            "string", default="", update_allowed=True
        ),  # whom Heat would poll meanwhile, to no effect
        "entity_name": Property("string", default="", update_allowed=True),
    }
    attributes = frozenset({"output"})

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        if not resource.properties["fail"]:
            resource.physical_id = stack.build_physical_name(resource)
            resource.data["value"] = str(resource.properties["value"])
        await _ended(resource, CREATE)

    def needs_replacement(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        return "value" in changed and bool(after["update_replace"])

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        if "value" not in changed:  # then Heat waits for nothing, but fails all the same
            _verdict(resource)
            return
        if not resource.properties["fail"]:
            resource.data["value"] = str(resource.properties["value"])
        await _ended(resource, UPDATE)

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        await asyncio.sleep(_seconds(resource, DELETE))

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        return resource.data.get("value")


async def _ended(resource: StackResource, action: str) -> None:
    seconds = _seconds(resource, action)
    await (asyncio.Event().wait() if seconds < 0 else asyncio.sleep(seconds))
    _verdict(resource)


def _verdict(resource: StackResource) -> None:
    if resource.properties["fail"]:
        raise ResourceFailure("ValueError", f"Test Resource failed {resource.name}")


def _seconds(resource: StackResource, action: str) -> float:
    """What this action shall take: its own time, else the resource's."""
    of_actions = resource.properties["action_wait_secs"]
    own = of_actions.get(action.lower()) if isinstance(of_actions, dict) else None
    seconds = resource.properties["wait_secs"] if own is None else own
    assert isinstance(seconds, (int, float))
    return seconds
