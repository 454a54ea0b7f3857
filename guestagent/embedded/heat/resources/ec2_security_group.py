"""AWS::EC2's security group."""

from __future__ import annotations

from typing import ClassVar

from guestagent.embedded.heat.resources.neutron import NeutronResource
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.property_schema import Property, Schema


class Ec2SecurityGroup(NeutronResource):
    """A Neutron group. Its rules are not kept: the guests' bridge has no filter."""

    RULE_PROPERTIES: ClassVar[Schema] = {
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
        "SecurityGroupIngress": Property("list", update_allowed=True, schema=RULE_PROPERTIES),
        "SecurityGroupEgress": Property("list", update_allowed=True, schema=RULE_PROPERTIES),
    }

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        description = str(resource.properties["GroupDescription"])
        resource.physical_id = self._networking.add_group(stack.build_physical_name(resource), description).id

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        if resource.physical_id in self._networking.groups:
            self._networking.remove_group(resource.physical_id)
