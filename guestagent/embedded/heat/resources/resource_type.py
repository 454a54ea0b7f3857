"""What a resource type is to the engine, and where each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Protocol

from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.parser import ResourceDefinition, Template
from guestagent.embedded.heat.template.property_schema import Schema
from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.openstack.keystone.ec2_credentials import Ec2CredentialStore
from guestagent.embedded.openstack.keystone.stack_users import StackUser, StackUserStore
from guestagent.embedded.openstack.neutron.network import NeutronNetwork

Properties = Mapping[str, object]


class ResourceActionNotSupported(ApiError):
    """A resource that takes no signals was signalled."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is not supported for resource.")


class ResourceType:
    """A resource type. Its actions may wait; ResourceFailure says that one could not be done.

    As it stands: a resource with nothing behind it, as many of Heat's own are.
    """

    schema: ClassVar[Schema] = {}
    attributes: ClassVar[frozenset[str]] = frozenset()
    has_template_metadata: ClassVar[bool] = True  # the template's, to whoever describes the resource

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        """A refusal where the definition makes no sense beside the others."""

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        """Make it."""

    def update_metadata(self, resource: StackResource, declared: Mapping[str, object]) -> None:
        """The template's metadata has changed. Only servers tell of it: others go on with what they were made with."""

    def refresh_metadata(self, resource: StackResource) -> None:
        """Another resource of the stack has taken a signal: what the template says may have become something else."""

    def needs_replacement(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        """Whether changes that its schema admits in place need a new one all the same."""
        return False

    def can_update_failed(self, resource: StackResource) -> bool:
        """Whether one whose last action failed can still be changed in place."""
        return False

    async def prepare_for_replace(self, resource: StackResource, stack: HeatStack) -> None:
        """Another will replace it: let go of what that one needs."""

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        """Apply the changed properties, which the resource already has."""

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        """Remove it; fine where there is nothing."""

    def get_reference(self, resource: StackResource) -> object:
        """What `Ref` gives."""
        return resource.physical_id or resource.name

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        """What `Fn::GetAtt` gives, of the names in `attributes`."""
        return None

    def handle_signal(self, resource: StackResource, body: object) -> str:
        """Take a signal and return what its event says; ValueError where it is not one."""
        raise ResourceActionNotSupported("signal")


class ServerView(Protocol):
    """One server, as far as it is more than its id."""

    name: str
    status: str
    metadata: dict[str, str]


class ComputeService(Protocol):
    """The servers behind instances: the compute service, as the engine needs it."""

    @property
    def networking(self) -> NeutronNetwork:
        """Ports and security groups."""

    async def create(
        self, name: str, flavor: str, image: str, user_data: bytes, key_name: str | None, port: str = ""
    ) -> str:
        """Start a new server, at this port's address if one is given, and return its id; it need not run yet."""

    def get_server(self, server_id: str) -> ServerView:
        """The server; EntityNotFound where it is gone."""

    async def wait_until_active(self, server_id: str) -> None:
        """Return when it is ACTIVE; ResourceFailure where it goes to ERROR."""

    async def resize(self, server_id: str, flavor: str) -> None:
        """Give it another flavor."""

    async def delete(self, server_id: str) -> None:
        """Destroy it; returns when nothing is left."""

    def get_address(self, server_id: str) -> str:
        """Its address on the network; 0.0.0.0 where the server is gone."""

    def check_constraint(self, what: str, name: str) -> str:
        """What is wrong with an Image, Flavor, Key, Network or Subnet of that name; nothing where it is there."""


class CloudContext(Protocol):
    """What resource types may use of the cloud around them."""

    @property
    def ec2_credentials(self) -> Ec2CredentialStore:
        """The key pairs of the cloud."""

    @property
    def stack_users(self) -> StackUserStore:
        """The users that stacks have made."""

    @property
    def compute(self) -> ComputeService:
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

    def get_utc_time(self) -> datetime:
        """The wall clock, in UTC."""

    def issue_token(self, user: StackUser) -> str:
        """A token for a stack's user, from Keystone."""


ResourceTypes = Mapping[str, ResourceType]
