"""IAM users, access keys and policies: a guest's credentials to poll metadata, and the resources that it may see."""

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
        names = definition.properties["AllowedResources"]
        for name in names if isinstance(names, list) else ():
            if name not in template.resources:
                raise StackValidationFailed(f"AccessPolicy resource {name} not in stack")


class IamUser(ResourceType):
    """The owner of an access key. Without a policy it may see every resource, as in Heat."""

    schema: ClassVar[Schema] = {
        "Path": Property("string"),
        "Groups": Property("list"),
        "LoginProfile": Property("map", schema={"Password": Property("string")}),
        "Policies": Property("list"),
    }

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        for policy in _list_policies(resource):
            policy_resource = stack.resources.get(policy)
            if policy_resource is None or policy_resource.type != "OS::Heat::AccessPolicy":
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
        if _find_user(stack, resource) is None:
            raise ResourceFailure("NotFound", f"could not find user {resource.properties['UserName']}")
        resource.physical_id = self._keys.create(stack.id, resource.name).access_key

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        self._keys.revoke(resource.physical_id)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        if name == "UserName":
            return resource.properties["UserName"]
        credential = self._keys.find(resource.physical_id)
        return credential.secret.reveal() if credential else "000-000-000"


def can_describe(stack: HeatStack, key: StackResource, name: str) -> bool:
    """Whether the user behind an access key may see the named resource: every policy of the user must name it."""
    user = _find_user(stack, key)
    if user is None:
        return False
    policies = [stack.resources.get(policy) for policy in _list_policies(user)]
    return all(policy is not None and name in _list_allowed_resources(policy) for policy in policies)


def _find_user(stack: HeatStack, key: StackResource) -> StackResource | None:
    user_name = key.properties["UserName"]
    users = (r for r in stack.resources.values() if r.type == "AWS::IAM::User")
    return next((user for user in users if user.physical_id == user_name), None)


def _list_policies(user: StackResource) -> list[str]:
    names = user.properties["Policies"]
    return [policy for policy in names if isinstance(policy, str)] if isinstance(names, list) else []


def _list_allowed_resources(policy: StackResource) -> list[object]:
    names = policy.properties["AllowedResources"]
    return names if isinstance(names, list) else []
