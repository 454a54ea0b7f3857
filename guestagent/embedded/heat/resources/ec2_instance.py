"""AWS::EC2::Instance: a server that gets its metadata at boot, and later through the CFN API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from guestagent.embedded.heat.resources.cloud_init_parts import INSTANCE_USER
from guestagent.embedded.heat.resources.resource_type import CloudContext, Properties, ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.resources.user_data import build_cfntools_data, check_length
from guestagent.embedded.heat.template.property_schema import Property, Schema


class Ec2Instance(ResourceType):
    """Metadata and InstanceType change in place; most other properties replace the server.

    No SubnetId is needed: this cloud has one network, and servers are on it. On a real one Nova may refuse that
    ("nics are required after microversion 2.36"), and a template must name its subnet.
    """

    schema: ClassVar[Schema] = {
        "ImageId": Property("string", required=True, constraint="Image"),
        "InstanceType": Property("string", required=True, update_allowed=True, constraint="Flavor"),
        "KeyName": Property("string", constraint="Key"),
        "AvailabilityZone": Property("string"),
        "SecurityGroups": Property("list"),
        "SecurityGroupIds": Property("list"),
        "SubnetId": Property("string", update_allowed=True, constraint="Subnet"),
        "Tags": Property(
            "list",
            update_allowed=True,
            schema={"Key": Property("string", required=True), "Value": Property("string", required=True)},
        ),
        "UserData": Property("string"),
        **{
            name: Property("any", implemented=False)
            for name in (
                "DisableApiTermination", "KernelId", "Monitoring", "PlacementGroupName",
                "PrivateIpAddress", "RamDiskId", "SourceDestCheck", "Tenancy",
                "NetworkInterfaces", "NovaSchedulerHints", "Volumes", "BlockDeviceMappings",
            )
        },
    }  # fmt: skip
    attributes = frozenset({"AvailabilityZone", "PrivateDnsName", "PublicDnsName", "PrivateIp", "PublicIp"})

    def __init__(self, context: CloudContext) -> None:
        self._context = context

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        properties = resource.properties
        script, cfn_url = str(properties["UserData"] or ""), self._context.cfn_url
        user_data = build_cfntools_data(resource.metadata, script, cfn_url, INSTANCE_USER)
        servers = self._context.compute
        resource.physical_id = await servers.create(
            stack.build_physical_name(resource),
            str(properties["InstanceType"]),
            str(properties["ImageId"]),
            check_length(user_data),
            str(properties["KeyName"]) if properties["KeyName"] else None,
            metadata=_build_instance_metadata(properties),
        )
        await servers.wait_until_active(resource.physical_id)

    def update_metadata(self, resource: StackResource, declared: Mapping[str, object]) -> None:
        resource.write_metadata(dict(declared))

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        if "Tags" in changed:
            server = self._context.compute.get_server(resource.physical_id)
            server.metadata = _build_instance_metadata(resource.properties)
        if "InstanceType" in changed:
            await self._context.compute.resize(resource.physical_id, str(resource.properties["InstanceType"]))

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        if resource.physical_id:
            await self._context.compute.delete(resource.physical_id)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        if not resource.physical_id:
            return None
        return (
            "nova" if name == "AvailabilityZone" else self._context.compute.get_address(resource.physical_id)
        )


def _build_instance_metadata(properties: Properties) -> dict[str, str]:
    """Build Nova's metadata from the tags."""
    tags = properties["Tags"]
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags} if isinstance(tags, list) else {}
