"""AWS::EC2's security group."""

from __future__ import annotations

from typing import ClassVar

from guestagent.embedded.heat.neutron import Neutron
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.template.schema import Property, Schema


class Ec2SecurityGroup(Neutron):
    """A group of Neutron's, which others may name. Its rules are not kept: the guests' bridge has no filter."""

    _rule: ClassVar[Schema] = {
        "CidrIp": Property("string"),
        "FromPort": Property("string"),
        "ToPort": Property("string"),
        "IpProtocol": Property("string"),
        "SourceSecurityGroupId": Property("string"),
        "SourceSecurityGroupName": Property("string"),
        "SourceSecurityGroupOwnerId": Property("string", implemented=False),
    }
    schema: ClassVar[Schema] = {
        "GroupDescription": Property("string", required=True),
        "VpcId": Property("string"),
        "SecurityGroupIngress": Property("list", update=True, keys=_rule),
        "SecurityGroupEgress": Property("list", update=True, keys=_rule),
    }

    async def create(self, resource: Resource, stack: Stack) -> None:
        description = str(resource.properties["GroupDescription"])
        resource.physical_id = self._networking.add_group(stack.physical_name(resource), description).id

    async def delete(self, resource: Resource, stack: Stack) -> None:
        if resource.physical_id in self._networking.groups:
            self._networking.remove_group(resource.physical_id)
