"""OS::Heat::Value: a value that other resources and outputs read."""

from __future__ import annotations

from typing import ClassVar

from guestagent.embedded.heat.resources.resource_type import ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.property_schema import Property, Schema


class ValueResource(ResourceType):
    """A value. A cluster's gates are made of it."""

    schema: ClassVar[Schema] = {
        "type": Property("string", update_allowed=True),
        "value": Property("any", required=True, update_allowed=True),
    }
    attributes = frozenset({"value"})

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        resource.physical_id = stack.build_physical_name(resource)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        return resource.properties["value"]
