"""What a resource type is to the engine, and where each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Protocol

from guestagent.embedded.heat.keys import Keys
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.heat.users import StackUser, StackUsers
from guestagent.embedded.networking import Networking
from guestagent.embedded.refusals import ResourceActionNotSupported
from guestagent.embedded.template.document import Definition, Template
from guestagent.embedded.template.schema import Schema

Properties = Mapping[str, object]


class Kind:
    """A resource type. Its actions may wait; ResourceFailure says that one could not be done.

    As it stands: a resource with nothing behind it, as many of Heat's own are.
    """

    schema: ClassVar[Schema] = {}
    attributes: ClassVar[frozenset[str]] = frozenset()
    serves_metadata: ClassVar[bool] = True  # the template's, to whoever describes the resource

    def validate(self, definition: Definition, template: Template) -> None:
        """A refusal where the definition makes no sense beside the others."""

    async def create(self, resource: Resource, stack: Stack) -> None:
        """Make it."""

    def serve(self, resource: Resource, declared: Mapping[str, object]) -> None:
        """The template's metadata has changed. Only servers tell of it: others go on with what they were made with."""

    def refresh(self, resource: Resource) -> None:
        """Another resource of the stack has taken a signal: what the template says may have become something else."""

    def replaces(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        """Whether changes that its schema admits in place need a new one all the same."""
        return False

    def survives(self, resource: Resource) -> bool:
        """Whether one whose last action failed can still be changed in place."""
        return False

    async def make_way(self, resource: Resource, stack: Stack) -> None:
        """Another will replace it: let go of what that one needs."""

    async def update(self, resource: Resource, stack: Stack, changed: frozenset[str]) -> None:
        """Apply the changed properties, which the resource already has."""

    async def delete(self, resource: Resource, stack: Stack) -> None:
        """Remove it; fine where there is nothing."""

    def reference(self, resource: Resource) -> object:
        """What `Ref` gives."""
        return resource.physical_id or resource.name

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        """What `Fn::GetAtt` gives, of the names in `attributes`."""
        return None

    def signal(self, resource: Resource, body: object) -> str:
        """Take a signal and return what its event says; ValueError where it is not one."""
        raise ResourceActionNotSupported("signal")


class Machine(Protocol):
    """One server, as far as it is more than its id."""

    name: str
    status: str
    metadata: dict[str, str]


class Servers(Protocol):
    """The servers behind instances: the compute service, as the engine needs it."""

    @property
    def networking(self) -> Networking:
        """Ports and security groups."""

    async def launch(
        self, name: str, flavor: str, image: str, user_data: bytes, key_name: str | None, port: str = ""
    ) -> str:
        """Start a new server, at this port's address if one is given, and return its id; it need not run yet."""

    def find(self, server_id: str) -> Machine:
        """The server; EntityNotFound where it is gone."""

    async def settle(self, server_id: str) -> None:
        """Return when it is ACTIVE; ResourceFailure where it goes to ERROR."""

    async def resize(self, server_id: str, flavor: str) -> None:
        """Give it another flavor."""

    async def remove(self, server_id: str) -> None:
        """Destroy it; returns when nothing is left."""

    def address(self, server_id: str) -> str:
        """Its address on the network; 0.0.0.0 where the server is gone."""

    def exists(self, what: str, name: str) -> str:
        """What is wrong with an Image, Flavor, Key, Network or Subnet of that name; nothing where it is there."""


class Surroundings(Protocol):
    """What resource types may use of the cloud around them."""

    @property
    def keys(self) -> Keys:
        """The key pairs of the cloud."""

    @property
    def users(self) -> StackUsers:
        """The users that stacks have made."""

    @property
    def servers(self) -> Servers:
        """The servers of the cloud."""

    @property
    def auth_url(self) -> str:
        """Keystone as a guest reaches it."""

    @property
    def heat_url(self) -> str:
        """heat-api as a guest reaches it, up to the project, without a slash at the end."""

    @property
    def cfn_url(self) -> str:
        """The CFN API as a guest reaches it, without a slash at the end."""

    @property
    def region(self) -> str:
        """What the catalog calls the cloud's region."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def token(self, user: StackUser) -> str:
        """A token for a stack's user, from Keystone."""


Kinds = Mapping[str, Kind]


def kinds(around: Surroundings) -> Kinds:
    """Every resource type that this imitation knows; a template of either dialect may use any of them."""
    from guestagent.embedded.heat import (
        accounts,
        ec2_security_group,
        handles,
        instance,
        neutron,
        server,
        testresource,
        values,
        waiting,
    )

    return {
        "OS::Heat::Value": values.Value(),
        "OS::Heat::RandomString": values.RandomString(),
        "OS::Heat::TestResource": testresource.TestResource(),
        "OS::Heat::AccessPolicy": accounts.AccessPolicy(),
        "AWS::IAM::User": accounts.User(),
        "AWS::IAM::AccessKey": accounts.AccessKey(around.keys),
        "AWS::EC2::SecurityGroup": ec2_security_group.Ec2SecurityGroup(around),
        "AWS::EC2::Instance": instance.Instance(around),
        "AWS::CloudFormation::WaitConditionHandle": handles.CfnHandle(around),
        "AWS::CloudFormation::WaitCondition": waiting.CfnCondition(),
        "OS::Heat::WaitConditionHandle": handles.HotHandle(around),
        "OS::Heat::WaitCondition": waiting.HotCondition(),
        "OS::Nova::Server": server.Server(around),
        "OS::Neutron::Port": neutron.Port(around),
        "OS::Neutron::SecurityGroup": neutron.SecurityGroup(around),
        "OS::Neutron::SecurityGroupRule": neutron.SecurityGroupRule(around),
    }
