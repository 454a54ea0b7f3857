"""The interface of resource types to the engine, and of the cloud to resource types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.parser import ResourceDefinition, Template
from guestagent.embedded.heat.template.property_schema import Schema
from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.openstack.cinder.volumes import BlockStorage, BootVolume, StoredAttachment
from guestagent.embedded.openstack.keystone.ec2_credentials import Ec2CredentialStore
from guestagent.embedded.openstack.keystone.stack_users import StackUser, StackUserStore
from guestagent.embedded.openstack.neutron.network import NeutronNetwork

Properties = Mapping[str, object]


class ResourceActionNotSupported(ApiError):
    """A resource that takes no signals was signalled."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is not supported for resource.")


class ResourceType:
    """A resource type. Its actions may wait; they raise ResourceFailure if they fail.

    This class itself is a resource without an object behind it, as many of Heat's are.
    """

    schema: ClassVar[Schema] = {}
    attributes: ClassVar[frozenset[str]] = frozenset()
    has_template_metadata: ClassVar[bool] = True  # the APIs return the template's metadata

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        """Raise ApiError if the definition does not fit the template."""

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        """Create the object."""

    def update_metadata(self, resource: StackResource, declared: Mapping[str, object]) -> None:
        """Handle new metadata in the template. Only servers take it: other resources keep their first metadata."""

    def refresh_metadata(self, resource: StackResource) -> None:
        """Handle a signal to another resource of the stack, after which functions in metadata may have new results."""

    def needs_replacement(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        """Whether changes that its schema admits in place need a replacement all the same."""
        return False

    def can_update_failed(self, resource: StackResource) -> bool:
        """Whether a resource whose last action failed can still be changed in place."""
        return False

    async def prepare_for_replace(self, resource: StackResource, stack: HeatStack) -> None:
        """Release what the replacement needs."""

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        """Apply the changed properties, which the resource already has."""

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        """Delete the object; nothing happens if there is none."""

    def get_reference(self, resource: StackResource) -> object:
        """Return the value of `Ref`."""
        return resource.physical_id or resource.name

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        """Return the value of `Fn::GetAtt` for one of `attributes`."""
        return None

    def handle_signal(self, resource: StackResource, body: object) -> str:
        """Accept a signal and return its event's message; ValueError if it is not valid."""
        raise ResourceActionNotSupported("signal")


class ServerView(Protocol):
    """The part of a server that resource types use."""

    name: str
    status: str
    metadata: dict[str, str]


class VolumeAttachments(Protocol):
    """The part of the compute service that attaches volumes to servers that run."""

    def start_detach(self, server_id: str, volume_id: str) -> StoredAttachment:
        """Begin to detach a volume."""

    async def complete_detach(self, attachment: StoredAttachment) -> None:
        """End it; returns when the volume is available."""

    async def attach(self, attachment: StoredAttachment) -> None:
        """Attach a volume that is reserved for the server."""


class ComputeService(Protocol):
    """The part of the compute service that resource types use."""

    storage: BlockStorage

    @property
    def volumes(self) -> VolumeAttachments:
        """The volumes of servers."""

    @property
    def networking(self) -> NeutronNetwork:
        """Ports and security groups."""

    async def create(
        self,
        name: str,
        flavor: str,
        image: str,
        user_data: bytes,
        key_name: str | None,
        port: str = "",
        *,
        metadata: Mapping[str, str],
        volumes: Sequence[BootVolume] = (),
    ) -> str:
        """Create a server with these volumes, at this port's address if there is one, and return its id.

        It need not run yet.
        """

    def get_server(self, server_id: str) -> ServerView:
        """Return the server; EntityNotFound if there is none."""

    async def wait_until_active(self, server_id: str) -> None:
        """Return when it is ACTIVE; ResourceFailure if it goes to ERROR."""

    async def resize(self, server_id: str, flavor: str) -> None:
        """Give it another flavor."""

    async def delete(self, server_id: str) -> None:
        """Destroy it; returns when nothing is left."""

    def get_address(self, server_id: str) -> str:
        """Return its address on the network; 0.0.0.0 if there is no server."""

    def check_constraint(self, kind: str, name: str) -> str:
        """Return an error message if there is no Image, Flavor, Key, Network or Subnet of that name, else nothing."""


class CloudContext(Protocol):
    """The part of the cloud that resource types may use."""

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
        """Keystone's address for guests."""

    @property
    def heat_url(self) -> str:
        """heat-api's address for guests, up to the project, without a slash at the end."""

    @property
    def cfn_url(self) -> str:
        """The CFN API's address for guests, without a slash at the end."""

    @property
    def region(self) -> str:
        """The name of the cloud's region in the catalog."""

    def get_utc_time(self) -> datetime:
        """Return the current time in UTC."""

    def issue_token(self, user: StackUser) -> str:
        """Return a token of Keystone for a stack's user."""


ResourceTypes = Mapping[str, ResourceType]
