"""Users of a stack: what a guest polls its metadata with, and what it may see."""

from __future__ import annotations

from typing import ClassVar

from guestagent.embedded.heat.keys import Keys
from guestagent.embedded.heat.kinds import Kind
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.refusals import ResourceFailure, StackValidationFailed
from guestagent.embedded.template.document import Definition, Template
from guestagent.embedded.template.schema import Property, Schema


class AccessPolicy(Kind):
    """Names the resources that a user may describe."""

    schema: ClassVar[Schema] = {"AllowedResources": Property("list", required=True)}

    def validate(self, definition: Definition, template: Template) -> None:
        named = definition.properties["AllowedResources"]
        for name in named if isinstance(named, list) else ():
            if name not in template.resources:
                raise StackValidationFailed(f"AccessPolicy resource {name} not in stack")


class User(Kind):
    """Exists to own an access key. Without a policy it may see every resource, as in Heat."""

    schema: ClassVar[Schema] = {
        "Path": Property("string"),
        "Groups": Property("list"),
        "LoginProfile": Property("map", keys={"Password": Property("string")}),
        "Policies": Property("list"),
    }

    async def create(self, resource: Resource, stack: Stack) -> None:
        for policy in _policies(resource):
            found = stack.resources.get(policy)
            if found is None or found.type != "OS::Heat::AccessPolicy":
                raise ResourceFailure(
                    "InvalidTemplateAttribute",
                    f"The Referenced Attribute ({resource.name} Policies) is incorrect.",
                )
        resource.physical_id = stack.physical_name(resource)


class AccessKey(Kind):
    """A key pair for a user of the same stack."""

    schema: ClassVar[Schema] = {
        "Serial": Property("integer", implemented=False),
        "UserName": Property("string", required=True),
        "Status": Property("string", implemented=False),
    }
    attributes = frozenset({"UserName", "SecretAccessKey"})

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def create(self, resource: Resource, stack: Stack) -> None:
        if _user(stack, resource) is None:
            raise ResourceFailure("NotFound", f"could not find user {resource.properties['UserName']}")
        resource.physical_id = self._keys.make(stack.id, resource.name).access

    async def delete(self, resource: Resource, stack: Stack) -> None:
        self._keys.revoke(resource.physical_id)

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        if name == "UserName":
            return resource.properties["UserName"]
        pair = self._keys.find(resource.physical_id)
        return pair.secret.reveal() if pair else "000-000-000"


def may_describe(stack: Stack, key: Resource, name: str) -> bool:
    """Whether the user behind an access key may see the named resource: every policy of his must say so."""
    user = _user(stack, key)
    if user is None:
        return False
    policies = [stack.resources.get(policy) for policy in _policies(user)]
    return all(policy is not None and name in _allowed(policy) for policy in policies)


def _user(stack: Stack, key: Resource) -> Resource | None:
    wanted = key.properties["UserName"]
    users = (r for r in stack.resources.values() if r.type == "AWS::IAM::User")
    return next((user for user in users if user.physical_id == wanted), None)


def _policies(user: Resource) -> list[str]:
    named = user.properties["Policies"]
    return [policy for policy in named if isinstance(policy, str)] if isinstance(named, list) else []


def _allowed(policy: Resource) -> list[object]:
    named = policy.properties["AllowedResources"]
    return named if isinstance(named, list) else []
