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
    """The common part of Neutron's types: an object that exists after a failure can be changed in place."""

    def __init__(self, context: CloudContext) -> None:
        self._context = context

    @property
    def _networking(self) -> NeutronNetwork:
        return self._context.compute.networking

    def can_update_failed(self, resource: StackResource) -> bool:
        return bool(resource.physical_id)


class NeutronPort(NeutronResource):
    """A port: an address on the network for a server."""

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
        properties = resource.properties
        fixed_ips = properties["fixed_ips"]
        addresses = (
            [ip["ip_address"] for ip in fixed_ips if ip["ip_address"]] if isinstance(fixed_ips, list) else []
        )
        if len(addresses) > 1:
            raise ResourceFailure(
                "NotSupported", "two addresses at a port, by this imitation, is not supported."
            )
        name = str(properties["name"] or stack.build_physical_name(resource))
        port = self._networking.add_port(
            name, self._find_group_ids(properties), addresses[0] if addresses else None
        )
        resource.physical_id = port.id

    def needs_replacement(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        return after["replacement_policy"] == "REPLACE_ALWAYS"

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        if "fixed_ips" in changed:
            raise ResourceFailure(
                "NotSupported", "another address for a port, by this imitation, is not supported."
            )
        port = self._networking.find_port(resource.physical_id)
        port.name = str(resource.properties["name"] or port.name)
        port.groups = self._find_group_ids(resource.properties)

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        if resource.physical_id in self._networking.ports:
            self._networking.remove_port(resource.physical_id)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        port = self._networking.ports.get(resource.physical_id)
        if port is None:
            return None
        attributes_by_name: Mapping[str, object] = {
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
        return attributes_by_name.get(name)

    def _find_group_ids(self, properties: Properties) -> list[str]:
        """Return the ids of the groups, named by id or name; the default group's if none is named."""
        names = properties["security_groups"]
        return [
            _find_group_id(self._networking, str(name))
            for name in (names if isinstance(names, list) else ["default"])
        ]


RULE_SCHEMA: Schema = {
    "direction": Property("string", default="ingress", allowed_values=("ingress", "egress")),
    "ethertype": Property("string", default="IPv4", allowed_values=("IPv4", "IPv6")),
    "port_range_min": Property("integer", minimum=0, maximum=PORT_LIMIT),
    "port_range_max": Property("integer", minimum=0, maximum=PORT_LIMIT),
    "remote_ip_prefix": Property("string"),
}


class NeutronSecurityGroup(NeutronResource):
    """A group with its rules. A rule whose remote mode is a group, without an id, means the group itself."""

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
        properties = resource.properties
        name = str(properties["name"] or stack.build_physical_name(resource))
        resource.physical_id = self._networking.add_group(name, str(properties["description"] or "")).id
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
        """Add the group's rules. Egress rules replace the default ones that allow everything."""
        group, rules = self._networking.find_group(resource.physical_id), resource.properties["rules"]
        rule_attributes = (
            [_build_rule_attributes(rule, group.id) for rule in rules] if isinstance(rules, list) else []
        )
        if any(rule["direction"] == "egress" for rule in rule_attributes):
            group.rules[:] = [rule for rule in group.rules if rule.attributes["direction"] != "egress"]
        for rule in rule_attributes:
            try:
                self._networking.add_rule(group.id, rule)
            except ApiError as error:
                if error.status != 409:  # a rule that exists already is fine
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
        properties = definition.properties
        if properties.get("remote_group") is not None and properties.get("remote_ip_prefix") is not None:
            raise ResourcePropertyConflict("remote_group", "remote_ip_prefix")
        minimum, maximum = properties.get("port_range_min"), properties.get("port_range_max")
        is_reversed = isinstance(minimum, int) and isinstance(maximum, int) and maximum < minimum
        if is_reversed and properties.get("protocol") not in PORTLESS_PROTOCOLS:
            raise StackValidationFailed(
                "The minimum port number must be less than or equal to the maximum port number."
            )

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        properties = resource.properties
        group = _find_group_id(self._networking, str(properties["security_group"]))
        remote_group = properties["remote_group"]
        rule_attributes = {
            **{name: properties[name] for name in (*RULE_SCHEMA, "protocol")},
            "remote_group_id": _find_group_id(self._networking, str(remote_group)) if remote_group else None,
        }
        resource.physical_id = self._networking.add_rule(group, rule_attributes).id

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        try:
            self._networking.remove_rule(resource.physical_id)
        except EntityNotFound:
            pass  # removed with its group, or never created


def _build_rule_attributes(rule: Mapping[str, object], group: str) -> dict[str, object]:
    """Build a rule's attributes for Neutron: a group or a prefix, never both."""
    rule_attributes = {name: rule[name] for name in (*RULE_SCHEMA, "protocol")}
    if rule["remote_mode"] == "remote_group_id":
        return {
            **rule_attributes,
            "remote_ip_prefix": None,
            "remote_group_id": rule["remote_group_id"] or group,
        }
    return {**rule_attributes, "remote_group_id": None}


def _find_group_id(networking: NeutronNetwork, name: str) -> str:
    """Find a group's id by its name or id."""
    for group in networking.groups.values():
        if name in (group.id, group.name):
            return group.id
    raise EntityNotFound(f"Security group {name} does not exist")
