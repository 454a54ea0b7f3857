"""The values of a template's names when its stack exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.heat.resources.resource_type import ResourceTypes
from guestagent.embedded.heat.resources.stack import INIT, HeatStack, StackResource
from guestagent.embedded.heat.template.errors import InvalidTemplateReference, UserParameterMissing


@dataclass(frozen=True, slots=True)
class StackScope:
    """The names of one stack. A resource that does not exist yet is its own name and has no attributes, as in Heat."""

    stack: HeatStack
    resource_types: ResourceTypes

    def resolve_reference(self, name: str) -> object:
        try:
            return self.get_parameter(name)
        except UserParameterMissing:
            return self.get_resource(name)

    def get_parameter(self, name: str) -> object:
        values = {**build_pseudo_parameters(self.stack), **self.stack.parameters}
        if name not in values:
            raise UserParameterMissing(f"The Parameter ({name}) was not provided.")
        return values[name]

    def get_resource(self, name: str) -> object:
        if name in self.stack.resources:
            resource = self.stack.resources[name]
            return self.resource_types[resource.type].get_reference(resource)
        if name in self.stack.template.resources:
            return name
        raise InvalidTemplateReference(name, "unknown")

    def get_attribute(self, resource: str, name: str) -> object:
        existing_resource = self.stack.resources.get(resource)
        if existing_resource is None or existing_resource.action == INIT:
            return None
        return (
            self.resolve_attribute(existing_resource, name)
            if name
            else self.list_attributes(existing_resource)
        )

    def list_attributes(self, resource: StackResource) -> dict[str, object]:
        """Return all attributes of a resource."""
        return {
            name: self.resolve_attribute(resource, name)
            for name in sorted(self.resource_types[resource.type].attributes)
        }

    def resolve_attribute(self, resource: StackResource, name: str) -> object:
        """Return an attribute of a resource; None also if the object behind it is gone."""
        return self.resource_types[resource.type].get_attribute(resource, self.stack, name)


def build_pseudo_parameters(stack: HeatStack) -> Mapping[str, object]:
    """Build the parameters that every stack has, by their names in its template's format."""
    return stack.template.format.build_pseudo_parameters(stack.name, stack.id, stack.arn, stack.project)
