"""Users of a stack: what a guest polls its metadata with, and what it may see."""

from __future__ import annotations

from typing import ClassVar

from guestagent.embedded.heat.resources.resource_type import ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.parser import ResourceDefinition, Template
from guestagent.embedded.heat.template.property_schema import Property, Schema
from guestagent.embedded.http.errors import ResourceFailure
from guestagent.embedded.openstack.keystone.ec2_credentials import Ec2CredentialStore


class AccessPolicy(ResourceType):
    """Names the resources that a user may describe."""

    schema: ClassVar[Schema] = {"AllowedResources": Property("list", required=True)}

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        named = definition.properties["AllowedResources"]
        for name in named if isinstance(named, list) else ():
            if name not in template.resources:
                raise StackValidationFailed(f"AccessPolicy resource {name} not in stack")


class IamUser(ResourceType):
    """Exists to own an access key. Without a policy it may see every resource, as in Heat."""

    schema: ClassVar[Schema] = {
        "Path": Property("string"),
        "Groups": Property("list"),
        "LoginProfile": Property("map", schema={"Password": Property("string")}),
        "Policies": Property("list"),
    }

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        for policy in _policies(resource):
            found = stack.resources.get(policy)
            if found is None or found.type != "OS::Heat::AccessPolicy":
                raise ResourceFailure(
                    "InvalidTemplateAttribute",
                    f"The Referenced Attribute ({resource.name} Policies) is incorrect.",
                )
        resource.physical_id = stack.build_physical_name(resource)


class AccessKey(ResourceType):
    """A key pair for a user of the same stack."""

    schema: ClassVar[Schema] = {
        "Serial": Property("integer", implemented=False),
        "UserName": Property("string", required=True),
        "Status": Property("string", implemented=False),
    }
    attributes = frozenset({"UserName", "SecretAccessKey"})

    def __init__(self, keys: Ec2CredentialStore) -> None:
        self._keys = keys

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        if _user(stack, resource) is None:
            raise ResourceFailure("NotFound", f"could not find user {resource.properties['UserName']}")
        resource.physical_id = self._keys.create(stack.id, resource.name).access_key

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        self._keys.revoke(resource.physical_id)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        if name == "UserName":
            return resource.properties["UserName"]
        pair = self._keys.find(resource.physical_id)
        return pair.secret.reveal() if pair else "000-000-000"


def can_describe(stack: HeatStack, key: StackResource, name: str) -> bool:
    """Whether the user behind an access key may see the named resource: every policy of his must say so."""
    user = _user(stack, key)
    if user is None:
        return False
    policies = [stack.resources.get(policy) for policy in _policies(user)]
    return all(policy is not None and name in _allowed(policy) for policy in policies)


def _user(stack: HeatStack, key: StackResource) -> StackResource | None:
    wanted = key.properties["UserName"]
    users = (r for r in stack.resources.values() if r.type == "AWS::IAM::User")
    return next((user for user in users if user.physical_id == wanted), None)


def _policies(user: StackResource) -> list[str]:
    named = user.properties["Policies"]
    return [policy for policy in named if isinstance(policy, str)] if isinstance(named, list) else []


def _allowed(policy: StackResource) -> list[object]:
    named = policy.properties["AllowedResources"]
    return named if isinstance(named, list) else []
