"""What the names in a template stand for once its stack is being made."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.heat.kinds import Kinds
from guestagent.embedded.heat.stack import INIT, Resource, Stack
from guestagent.embedded.heat.validation import REGION


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
        resource = self.stack.resources.get(name)
        return name if resource is None else self.kinds[resource.type].reference(resource)

    def attribute(self, resource: str, name: str) -> object:
        found = self.stack.resources.get(resource)
        return None if found is None or found.action == INIT else self.of(found, name)

    def of(self, resource: Resource, name: str) -> object:
        """An attribute of a resource at hand. None too where what it leans on is gone."""
        return self.kinds[resource.type].attribute(resource, self.stack, name)
