"""OS::Neutron's ports, security groups and rules. Ports hold addresses; groups are kept, and filter nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from guestagent.embedded.heat.resources.resource_type import CloudContext, Properties, ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.errors import ResourcePropertyConflict, StackValidationFailed
from guestagent.embedded.heat.template.parser import ResourceDefinition, Template
from guestagent.embedded.heat.template.property_schema import Property, Schema
from guestagent.embedded.http.errors import ApiError, EntityNotFound, ResourceFailure
from guestagent.embedded.openstack.neutron.network import (
    NETWORK_ID,
    NETWORK_NAME,
    SUBNET_ID,
    SUBNET_NAME,
    NeutronNetwork,
)

PORT_LIMIT = 65535
PORTLESS_PROTOCOLS = ("icmp", "icmpv6", "ipv6-icmp")


class NeutronResource(ResourceType):
    """What they have in common: whatever is still there after a failure can be changed in place."""

    def __init__(self, around: CloudContext) -> None:
        self._around = around

    @property
    def _networking(self) -> NeutronNetwork:
        return self._around.compute.networking

    def can_update_failed(self, resource: StackResource) -> bool:
        return bool(resource.physical_id)


class NeutronPort(NeutronResource):
    """An address on the network, for a server to have."""

    schema: ClassVar[Schema] = {
        "name": Property("string", update_allowed=True),
        "network_id": Property("string", constraint="Network"),
        "network": Property("string", constraint="Network"),
        "fixed_ips": Property(
            "list",
            update_allowed=True,
            schema={
                "subnet_id": Property("string", constraint="Subnet"),
                "subnet": Property("string", constraint="Subnet"),
                "ip_address": Property("string"),
            },
        ),
        "security_groups": Property("list", update_allowed=True),
        "admin_state_up": Property("boolean", update_allowed=True, default=True),
        "port_security_enabled": Property("boolean", update_allowed=True),
        "replacement_policy": Property(
            "string", update_allowed=True, default="AUTO", allowed_values=("REPLACE_ALWAYS", "AUTO")
        ),
        "tags": Property("list", update_allowed=True),
        **{
            name: Property("any", update_allowed=True, supported=False)
            for name in (
                "value_specs", "mac_address", "allowed_address_pairs", "binding:vnic_type", "qos_policy",
                "propagate_uplink_status", "no_fixed_ips", "device_id", "device_owner", "dns_name",
            )
        },
    }  # fmt: skip
    attributes = frozenset(
        {
            "admin_state_up", "device_id", "device_owner", "fixed_ips", "mac_address", "name", "network_id",
            "security_groups", "status", "tenant_id", "allowed_address_pairs", "subnets",
            "port_security_enabled", "qos_policy_id", "dns_assignment", "network", "propagate_uplink_status",
        }
    )  # fmt: skip

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        if definition.properties.get("network") is None and definition.properties.get("network_id") is None:
            path = template.format.build_path(definition.name)
            raise StackValidationFailed("Property network not assigned", path, "Property error")

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        wanted = resource.properties
        fixed = wanted["fixed_ips"]
        asked = [ip["ip_address"] for ip in fixed if ip["ip_address"]] if isinstance(fixed, list) else []
        if len(asked) > 1:
            raise ResourceFailure(
                "NotSupported", "two addresses at a port, by this imitation, is not supported."
            )
        name = str(wanted["name"] or stack.build_physical_name(resource))
        made = self._networking.add_port(name, self._groups(wanted), asked[0] if asked else None)
        resource.physical_id = made.id

    def needs_replacement(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        return after["replacement_policy"] == "REPLACE_ALWAYS"

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        if "fixed_ips" in changed:
            raise ResourceFailure(
                "NotSupported", "another address for a port, by this imitation, is not supported."
            )
        port = self._networking.find_port(resource.physical_id)
        port.name = str(resource.properties["name"] or port.name)
        port.groups = self._groups(resource.properties)

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        if resource.physical_id in self._networking.ports:
            self._networking.remove_port(resource.physical_id)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        port = self._networking.ports.get(resource.physical_id)
        if port is None:
            return None
        known: Mapping[str, object] = {
            "admin_state_up": resource.properties["admin_state_up"],
            "device_id": port.server_id,
            "device_owner": "compute:nova" if port.server_id else "",
            "fixed_ips": [{"subnet_id": SUBNET_ID, "ip_address": port.address}],
            "mac_address": port.mac,
            "name": port.name,
            "network_id": NETWORK_ID,
            "security_groups": port.groups,
            "status": "ACTIVE" if port.server_id else "DOWN",
            "tenant_id": stack.project,
            "allowed_address_pairs": [],
            "subnets": [{"id": SUBNET_ID, "name": SUBNET_NAME, "cidr": str(self._networking.network)}],
            "port_security_enabled": True,
            "network": {"id": NETWORK_ID, "name": NETWORK_NAME},
        }
        return known.get(name)

    def _groups(self, wanted: Properties) -> list[str]:
        """Groups by id or name; the default one where none is named."""
        named = wanted["security_groups"]
        return [
            _group(self._networking, str(name))
            for name in (named if isinstance(named, list) else ["default"])
        ]


RULE_SCHEMA: Schema = {
    "direction": Property("string", default="ingress", allowed_values=("ingress", "egress")),
    "ethertype": Property("string", default="IPv4", allowed_values=("IPv4", "IPv6")),
    "port_range_min": Property("integer", minimum=0, maximum=PORT_LIMIT),
    "port_range_max": Property("integer", minimum=0, maximum=PORT_LIMIT),
    "remote_ip_prefix": Property("string"),
}


class NeutronSecurityGroup(NeutronResource):
    """Rules inline; one whose remote mode is a group without an id means the group itself."""

    schema: ClassVar[Schema] = {
        "name": Property("string", update_allowed=True),
        "description": Property("string", update_allowed=True),
        "rules": Property(
            "list",
            update_allowed=True,
            default=(),
            schema={
                **RULE_SCHEMA,
                "protocol": Property("string"),
                "remote_mode": Property(
                    "string",
                    default="remote_ip_prefix",
                    allowed_values=("remote_ip_prefix", "remote_group_id"),
                ),
                "remote_group_id": Property("string"),
            },
        ),
    }

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        if definition.properties.get("name") == "default":
            raise StackValidationFailed('Security groups cannot be assigned the name "default".')

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        wanted = resource.properties
        name = str(wanted["name"] or stack.build_physical_name(resource))
        resource.physical_id = self._networking.add_group(name, str(wanted["description"] or "")).id
        self._add_rules(resource)

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        group = self._networking.find_group(resource.physical_id)
        group.name = str(resource.properties["name"] or group.name)
        group.description = str(resource.properties["description"] or "")
        if "rules" in changed:
            group.rules.clear()
            for family in ("IPv4", "IPv6"):
                self._networking.add_rule(group.id, {"direction": "egress", "ethertype": family})
            self._add_rules(resource)

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        if resource.physical_id in self._networking.groups:
            self._networking.remove_group(resource.physical_id)

    def _add_rules(self, resource: StackResource) -> None:
        """Rules for what goes out replace those that let everything out."""
        group, rules = self._networking.find_group(resource.physical_id), resource.properties["rules"]
        said = [_said(rule, group.id) for rule in rules] if isinstance(rules, list) else []
        if any(rule["direction"] == "egress" for rule in said):
            group.rules[:] = [rule for rule in group.rules if rule.attributes["direction"] != "egress"]
        for rule in said:
            try:
                self._networking.add_rule(group.id, rule)
            except ApiError as refusal:
                if refusal.status != 409:  # the same twice is once
                    raise


class NeutronSecurityGroupRule(NeutronResource):
    """One rule of a group; every change replaces it."""

    schema: ClassVar[Schema] = {
        **RULE_SCHEMA,
        "security_group": Property("string", required=True),
        "description": Property("string"),
        "protocol": Property("string", default="tcp"),
        "remote_group": Property("string"),
    }

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        given = definition.properties
        if given.get("remote_group") is not None and given.get("remote_ip_prefix") is not None:
            raise ResourcePropertyConflict("remote_group", "remote_ip_prefix")
        least, most = given.get("port_range_min"), given.get("port_range_max")
        reversed_range = isinstance(least, int) and isinstance(most, int) and most < least
        if reversed_range and given.get("protocol") not in PORTLESS_PROTOCOLS:
            raise StackValidationFailed(
                "The minimum port number must be less than or equal to the maximum port number."
            )

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        wanted = resource.properties
        group = _group(self._networking, str(wanted["security_group"]))
        remote = wanted["remote_group"]
        said = {
            **{name: wanted[name] for name in (*RULE_SCHEMA, "protocol")},
            "remote_group_id": _group(self._networking, str(remote)) if remote else None,
        }
        resource.physical_id = self._networking.add_rule(group, said).id

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        try:
            self._networking.remove_rule(resource.physical_id)
        except EntityNotFound:
            pass  # with its group, or never there


def _said(rule: Mapping[str, object], group: str) -> dict[str, object]:
    """A rule as Neutron gets it: a group or a prefix, never both."""
    said = {name: rule[name] for name in (*RULE_SCHEMA, "protocol")}
    if rule["remote_mode"] == "remote_group_id":
        return {**said, "remote_ip_prefix": None, "remote_group_id": rule["remote_group_id"] or group}
    return {**said, "remote_group_id": None}


def _group(networking: NeutronNetwork, name: str) -> str:
    """A group's id, by name or id."""
    for group in networking.groups.values():
        if name in (group.id, group.name):
            return group.id
    raise EntityNotFound(f"Security group {name} does not exist")
