"""What the names in a template stand for once its stack is being made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.heat.kinds import Kinds
from guestagent.embedded.heat.stack import INIT, Resource, Stack
from guestagent.embedded.refusals import InvalidTemplateReference, UserParameterMissing


@dataclass(frozen=True, slots=True)
class StackScope:
    """A resource that does not exist yet is its own name, and has no attributes: as in Heat."""

    stack: Stack
    kinds: Kinds

    def reference(self, name: str) -> object:
        try:
            return self.parameter(name)
        except UserParameterMissing:
            return self.resource(name)

    def parameter(self, name: str) -> object:
        known = {**pseudo(self.stack), **self.stack.parameters}
        if name not in known:
            raise UserParameterMissing(f"The Parameter ({name}) was not provided.")
        return known[name]

    def resource(self, name: str) -> object:
        if name in self.stack.resources:
            resource = self.stack.resources[name]
            return self.kinds[resource.type].reference(resource)
        if name in self.stack.template.resources:
            return name
        raise InvalidTemplateReference(name, "unknown")

    def attribute(self, resource: str, name: str) -> object:
        found = self.stack.resources.get(resource)
        if found is None or found.action == INIT:
            return None
        return self.of(found, name) if name else self.every(found)

    def every(self, resource: Resource) -> dict[str, object]:
        """All the attributes of a resource at hand."""
        return {name: self.of(resource, name) for name in sorted(self.kinds[resource.type].attributes)}

    def of(self, resource: Resource, name: str) -> object:
        """An attribute of a resource at hand. None too where what it leans on is gone."""
        return self.kinds[resource.type].attribute(resource, self.stack, name)


def pseudo(stack: Stack) -> Mapping[str, object]:
    """The parameters that every stack has, as its template's dialect calls them."""
    return stack.template.dialect.pseudo(stack.name, stack.id, stack.arn, stack.project)
