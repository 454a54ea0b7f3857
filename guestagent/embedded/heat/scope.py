"""What the names in a template stand for once its stack is being made."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.heat.kinds import Kinds
from guestagent.embedded.heat.stack import INIT, Resource, Stack
from guestagent.embedded.heat.validation import REGION
from guestagent.embedded.refusals import InvalidTemplateReference


@dataclass(frozen=True, slots=True)
class StackScope:
    """A resource that does not exist yet is its own name, and has no attributes: as in Heat."""

    stack: Stack
    kinds: Kinds

    def reference(self, name: str) -> object:
        pseudo = {"AWS::StackName": self.stack.name, "AWS::StackId": self.stack.arn, "AWS::Region": REGION}
        if name in pseudo:
            return pseudo[name]
        if name in self.stack.parameters:
            return self.stack.parameters[name]
        if name in self.stack.resources:
            resource = self.stack.resources[name]
            return self.kinds[resource.type].reference(resource)
        if name in self.stack.template.resources:
            return name
        raise InvalidTemplateReference(name, "unknown")

    def attribute(self, resource: str, name: str) -> object:
        found = self.stack.resources.get(resource)
        return None if found is None or found.action == INIT else self.of(found, name)

    def of(self, resource: Resource, name: str) -> object:
        """An attribute of a resource at hand. None too where what it leans on is gone."""
        return self.kinds[resource.type].attribute(resource, self.stack, name)
