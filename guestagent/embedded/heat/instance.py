"""AWS::EC2::Instance: a server that gets its metadata at boot, and through the CFN API later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from guestagent.embedded.heat.kinds import Kind, Surroundings
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.heat.userdata import cfntools, fitting
from guestagent.embedded.template.schema import Property, Schema


class Instance(Kind):
    """Metadata and InstanceType change in place; most other properties replace the server.

    No SubnetId is needed: this cloud has one network, and servers are on it. On a real one Nova may refuse that
    ("nics are required after microversion 2.36"), and a template must name its subnet.
    """

    schema: ClassVar[Schema] = {
        "ImageId": Property("string", required=True, exists="Image"),
        "InstanceType": Property("string", required=True, update=True, exists="Flavor"),
        "KeyName": Property("string", exists="Key"),
        "AvailabilityZone": Property("string"),
        "SecurityGroups": Property("list"),
        "SecurityGroupIds": Property("list"),
        "SubnetId": Property("string", update=True, exists="Subnet"),
        "Tags": Property(
            "list",
            update=True,
            keys={"Key": Property("string", required=True), "Value": Property("string", required=True)},
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

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def create(self, resource: Resource, stack: Stack) -> None:
        wanted = resource.properties
        sent = fitting(cfntools(resource.metadata, str(wanted["UserData"] or ""), self._around.cfn_url))
        servers = self._around.servers
        resource.physical_id = await servers.launch(
            stack.physical_name(resource),
            str(wanted["InstanceType"]),
            str(wanted["ImageId"]),
            sent,
            str(wanted["KeyName"]) if wanted["KeyName"] else None,
        )
        await servers.settle(resource.physical_id)

    def serve(self, resource: Resource, declared: Mapping[str, object]) -> None:
        resource.write(dict(declared))

    async def update(self, resource: Resource, stack: Stack, changed: frozenset[str]) -> None:
        if "InstanceType" in changed:
            await self._around.servers.resize(resource.physical_id, str(resource.properties["InstanceType"]))

    async def delete(self, resource: Resource, stack: Stack) -> None:
        if resource.physical_id:
            await self._around.servers.remove(resource.physical_id)

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        if not resource.physical_id:
            return None
        return "nova" if name == "AvailabilityZone" else self._around.servers.address(resource.physical_id)
