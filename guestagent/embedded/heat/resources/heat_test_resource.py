"""OS::Heat::TestResource: stores a value, and waits or fails on demand. OpenStack's own tests use it."""

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
        ),  # Heat would poll this client meanwhile, to no effect
        "entity_name": Property("string", default="", update_allowed=True),
    }
    attributes = frozenset({"output"})

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        if not resource.properties["fail"]:
            resource.physical_id = stack.build_physical_name(resource)
            resource.data["value"] = str(resource.properties["value"])
        await _wait_for_end(resource, CREATE)

    def needs_replacement(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        return "value" in changed and bool(after["update_replace"])

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        if "value" not in changed:  # then Heat does not wait, but fails all the same
            _fail_if_wanted(resource)
            return
        if not resource.properties["fail"]:
            resource.data["value"] = str(resource.properties["value"])
        await _wait_for_end(resource, UPDATE)

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        await asyncio.sleep(_get_duration(resource, DELETE))

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        return resource.data.get("value")


async def _wait_for_end(resource: StackResource, action: str) -> None:
    duration_s = _get_duration(resource, action)
    await (asyncio.Event().wait() if duration_s < 0 else asyncio.sleep(duration_s))
    _fail_if_wanted(resource)


def _fail_if_wanted(resource: StackResource) -> None:
    if resource.properties["fail"]:
        raise ResourceFailure("ValueError", f"Test Resource failed {resource.name}")


def _get_duration(resource: StackResource, action: str) -> float:
    """Return the duration of this action: its own one, else the resource's."""
    action_durations = resource.properties["action_wait_secs"]
    action_duration_s = action_durations.get(action.lower()) if isinstance(action_durations, dict) else None
    duration_s = resource.properties["wait_secs"] if action_duration_s is None else action_duration_s
    assert isinstance(duration_s, (int, float))
    return duration_s
