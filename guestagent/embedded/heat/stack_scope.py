"""What the names in a template stand for once its stack is being made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.heat.resources.resource_type import ResourceTypes
from guestagent.embedded.heat.resources.stack import INIT, HeatStack, StackResource
from guestagent.embedded.heat.template.errors import InvalidTemplateReference, UserParameterMissing


@dataclass(frozen=True, slots=True)
class StackScope:
    """A resource that does not exist yet is its own name, and has no attributes: as in Heat."""

    stack: HeatStack
    resource_types: ResourceTypes

    def resolve_reference(self, name: str) -> object:
        try:
            return self.get_parameter(name)
        except UserParameterMissing:
            return self.get_resource(name)

    def get_parameter(self, name: str) -> object:
        known = {**build_pseudo_parameters(self.stack), **self.stack.parameters}
        if name not in known:
            raise UserParameterMissing(f"The Parameter ({name}) was not provided.")
        return known[name]

    def get_resource(self, name: str) -> object:
        if name in self.stack.resources:
            resource = self.stack.resources[name]
            return self.resource_types[resource.type].get_reference(resource)
        if name in self.stack.template.resources:
            return name
        raise InvalidTemplateReference(name, "unknown")

    def get_attribute(self, resource: str, name: str) -> object:
        found = self.stack.resources.get(resource)
        if found is None or found.action == INIT:
            return None
        return self.resolve_attribute(found, name) if name else self.list_attributes(found)

    def list_attributes(self, resource: StackResource) -> dict[str, object]:
        """All the attributes of a resource at hand."""
        return {
            name: self.resolve_attribute(resource, name)
            for name in sorted(self.resource_types[resource.type].attributes)
        }

    def resolve_attribute(self, resource: StackResource, name: str) -> object:
        """An attribute of a resource at hand. None too where what it leans on is gone."""
        return self.resource_types[resource.type].get_attribute(resource, self.stack, name)


def build_pseudo_parameters(stack: HeatStack) -> Mapping[str, object]:
    """The parameters that every stack has, as its template's dialect calls them."""
    return stack.template.format.build_pseudo_parameters(stack.name, stack.id, stack.arn, stack.project)
