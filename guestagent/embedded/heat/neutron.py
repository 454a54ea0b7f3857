"""OS::Neutron's ports, security groups and rules. Ports hold addresses; groups are kept, and filter nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from guestagent.embedded.compute import NETWORK_ID, NETWORK_NAME, SUBNET_ID, SUBNET_NAME
from guestagent.embedded.heat.kinds import Kind, Properties, Surroundings
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.networking import Networking
from guestagent.embedded.refusals import (
    EntityNotFound,
    Refusal,
    ResourceFailure,
    ResourcePropertyConflict,
    StackValidationFailed,
)
from guestagent.embedded.template.document import Definition, Template
from guestagent.embedded.template.schema import Property, Schema

MOST_PORT = 65535
PORTLESS = ("icmp", "icmpv6", "ipv6-icmp")


class Neutron(Kind):
    """What they have in common: whatever is still there after a failure can be changed in place."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    @property
    def _networking(self) -> Networking:
        return self._around.servers.networking

    def survives(self, resource: Resource) -> bool:
        return bool(resource.physical_id)


class Port(Neutron):
    """An address on the network, for a server to have."""

    schema: ClassVar[Schema] = {
        "name": Property("string", update=True),
        "network_id": Property("string", exists="Network"),
        "network": Property("string", exists="Network"),
        "fixed_ips": Property(
            "list",
            update=True,
            keys={
                "subnet_id": Property("string", exists="Subnet"),
                "subnet": Property("string", exists="Subnet"),
                "ip_address": Property("string"),
            },
        ),
        "security_groups": Property("list", update=True),
        "admin_state_up": Property("boolean", update=True, default=True),
        "port_security_enabled": Property("boolean", update=True),
        "replacement_policy": Property("string", update=True, default="AUTO", allowed=("REPLACE_ALWAYS", "AUTO")),
        "tags": Property("list", update=True),
        **{
            name: Property("any", update=True, imitated=False)
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

    def validate(self, definition: Definition, template: Template) -> None:
        if definition.properties.get("network") is None and definition.properties.get("network_id") is None:
            path = template.dialect.path(definition.name)
            raise StackValidationFailed("Property network not assigned", path, "Property error")

    async def create(self, resource: Resource, stack: Stack) -> None:
        wanted = resource.properties
        fixed = wanted["fixed_ips"]
        asked = [ip["ip_address"] for ip in fixed if ip["ip_address"]] if isinstance(fixed, list) else []
        if len(asked) > 1:
            raise ResourceFailure(
                "NotSupported", "two addresses at a port, by this imitation, is not supported."
            )
        name = str(wanted["name"] or stack.physical_name(resource))
        made = self._networking.add_port(name, self._groups(wanted), asked[0] if asked else None)
        resource.physical_id = made.id

    def replaces(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        return after["replacement_policy"] == "REPLACE_ALWAYS"

    async def update(self, resource: Resource, stack: Stack, changed: frozenset[str]) -> None:
        if "fixed_ips" in changed:
            raise ResourceFailure(
                "NotSupported", "another address for a port, by this imitation, is not supported."
            )
        port = self._networking.port(resource.physical_id)
        port.name = str(resource.properties["name"] or port.name)
        port.groups = self._groups(resource.properties)

    async def delete(self, resource: Resource, stack: Stack) -> None:
        if resource.physical_id in self._networking.ports:
            self._networking.remove_port(resource.physical_id)

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        port = self._networking.ports.get(resource.physical_id)
        if port is None:
            return None
        known: Mapping[str, object] = {
            "admin_state_up": resource.properties["admin_state_up"],
            "device_id": port.device,
            "device_owner": "compute:nova" if port.device else "",
            "fixed_ips": [{"subnet_id": SUBNET_ID, "ip_address": port.address}],
            "mac_address": port.mac,
            "name": port.name,
            "network_id": NETWORK_ID,
            "security_groups": port.groups,
            "status": "ACTIVE" if port.device else "DOWN",
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


RULE: Schema = {
    "direction": Property("string", default="ingress", allowed=("ingress", "egress")),
    "ethertype": Property("string", default="IPv4", allowed=("IPv4", "IPv6")),
    "port_range_min": Property("integer", least=0, most=MOST_PORT),
    "port_range_max": Property("integer", least=0, most=MOST_PORT),
    "remote_ip_prefix": Property("string"),
}


class SecurityGroup(Neutron):
    """Rules inline; one whose remote mode is a group without an id means the group itself."""

    schema: ClassVar[Schema] = {
        "name": Property("string", update=True),
        "description": Property("string", update=True),
        "rules": Property(
            "list",
            update=True,
            default=(),
            keys={
                **RULE,
                "protocol": Property("string"),
                "remote_mode": Property(
                    "string", default="remote_ip_prefix", allowed=("remote_ip_prefix", "remote_group_id")
                ),
                "remote_group_id": Property("string"),
            },
        ),
    }

    def validate(self, definition: Definition, template: Template) -> None:
        if definition.properties.get("name") == "default":
            raise StackValidationFailed('Security groups cannot be assigned the name "default".')

    async def create(self, resource: Resource, stack: Stack) -> None:
        wanted = resource.properties
        name = str(wanted["name"] or stack.physical_name(resource))
        resource.physical_id = self._networking.add_group(name, str(wanted["description"] or "")).id
        self._add_rules(resource)

    async def update(self, resource: Resource, stack: Stack, changed: frozenset[str]) -> None:
        group = self._networking.group(resource.physical_id)
        group.name = str(resource.properties["name"] or group.name)
        group.description = str(resource.properties["description"] or "")
        if "rules" in changed:
            group.rules.clear()
            for family in ("IPv4", "IPv6"):
                self._networking.add_rule(group.id, {"direction": "egress", "ethertype": family})
            self._add_rules(resource)

    async def delete(self, resource: Resource, stack: Stack) -> None:
        if resource.physical_id in self._networking.groups:
            self._networking.remove_group(resource.physical_id)

    def _add_rules(self, resource: Resource) -> None:
        """Rules for what goes out replace those that let everything out."""
        group, rules = self._networking.group(resource.physical_id), resource.properties["rules"]
        said = [_said(rule, group.id) for rule in rules] if isinstance(rules, list) else []
        if any(rule["direction"] == "egress" for rule in said):
            group.rules[:] = [rule for rule in group.rules if rule.said["direction"] != "egress"]
        for rule in said:
            try:
                self._networking.add_rule(group.id, rule)
            except Refusal as refusal:
                if refusal.status != 409:  # the same twice is once
                    raise


class SecurityGroupRule(Neutron):
    """One rule of a group; every change replaces it."""

    schema: ClassVar[Schema] = {
        **RULE,
        "security_group": Property("string", required=True),
        "description": Property("string"),
        "protocol": Property("string", default="tcp"),
        "remote_group": Property("string"),
    }

    def validate(self, definition: Definition, template: Template) -> None:
        given = definition.properties
        if given.get("remote_group") is not None and given.get("remote_ip_prefix") is not None:
            raise ResourcePropertyConflict("remote_group", "remote_ip_prefix")
        least, most = given.get("port_range_min"), given.get("port_range_max")
        reversed_range = isinstance(least, int) and isinstance(most, int) and most < least
        if reversed_range and given.get("protocol") not in PORTLESS:
            raise StackValidationFailed(
                "The minimum port number must be less than or equal to the maximum port number."
            )

    async def create(self, resource: Resource, stack: Stack) -> None:
        wanted = resource.properties
        group = _group(self._networking, str(wanted["security_group"]))
        remote = wanted["remote_group"]
        said = {
            **{name: wanted[name] for name in (*RULE, "protocol")},
            "remote_group_id": _group(self._networking, str(remote)) if remote else None,
        }
        resource.physical_id = self._networking.add_rule(group, said).id

    async def delete(self, resource: Resource, stack: Stack) -> None:
        try:
            self._networking.remove_rule(resource.physical_id)
        except EntityNotFound:
            pass  # with its group, or never there


def _said(rule: Mapping[str, object], group: str) -> dict[str, object]:
    """A rule as Neutron gets it: a group or a prefix, never both."""
    said = {name: rule[name] for name in (*RULE, "protocol")}
    if rule["remote_mode"] == "remote_group_id":
        return {**said, "remote_ip_prefix": None, "remote_group_id": rule["remote_group_id"] or group}
    return {**said, "remote_group_id": None}


def _group(networking: Networking, name: str) -> str:
    """A group's id, by name or id."""
    for group in networking.groups.values():
        if name in (group.id, group.name):
            return group.id
    raise EntityNotFound(f"Security group {name} does not exist")
