"""The one network: its ports with their addresses, and security groups, which are kept and filter nothing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guestagent.embedded.host.identifiers import build_fixed_id, generate_id
from guestagent.embedded.host.ip_network import (
    IpNetwork,
    build_mac_address,
    is_host_address,
    list_guest_addresses,
)
from guestagent.embedded.http.errors import ResourceFailure
from guestagent.embedded.openstack.neutron.attributes import DEFAULT_GROUP, read_creation
from guestagent.embedded.openstack.neutron.errors import (
    AddressGroupNotFound,
    DuplicateSecurityGroupRuleInPost,
    OverQuota,
    PortNotFound,
    SecurityGroupCannotRemoveDefault,
    SecurityGroupInUse,
    SecurityGroupNotFound,
    SecurityGroupNotSingleGroupRules,
    SecurityGroupRuleExists,
    SecurityGroupRuleNotFound,
)
from guestagent.embedded.openstack.neutron.revision import Revision
from guestagent.embedded.openstack.neutron.rule_attributes import (
    ETHERTYPES,
    RULE_ATTRIBUTES,
    build_comparison_key,
    complete_rule,
)

NETWORK_ID, SUBNET_ID = build_fixed_id("network"), build_fixed_id("subnet")
NETWORK_NAME, SUBNET_NAME = "embedded", "embedded-subnet"
RULE_SHOWN = frozenset({"id", "tags", "normalized_cidr", "revision_number", "created_at", "updated_at"})


@dataclass(slots=True)
class NetworkQuota:
    """The limits of the project."""

    ports: int = 500
    groups: int = 100
    rules: int = 1000


@dataclass(slots=True, eq=False)
class Port:
    """One address, and the server that has it. If `is_server_owned`, it is created and removed with its server.

    `settings` are attributes that the network does not act on.
    """

    address: str
    name: str = ""
    groups: list[str] = field(default_factory=list)
    description: str = ""
    server_id: str = ""
    is_server_owned: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    revision: Revision = field(default_factory=Revision)
    id: str = field(default_factory=generate_id)
    mac: str = field(init=False)
    """The MAC address, which the guest's link has too. It stays when the address of the port is changed."""

    def __post_init__(self) -> None:
        self.mac = build_mac_address(self.address)


@dataclass(slots=True, eq=False)
class SecurityGroupRule:
    """A rule of a group, with its attributes as Neutron keeps them."""

    group: str
    attributes: Mapping[str, Any]
    revision: Revision = field(default_factory=Revision)
    id: str = field(default_factory=generate_id)


@dataclass(slots=True, eq=False)
class SecurityGroup:
    """A security group."""

    name: str
    description: str = ""
    is_stateful: bool = True
    rules: list[SecurityGroupRule] = field(default_factory=list)
    revision: Revision = field(default_factory=Revision)
    id: str = field(default_factory=generate_id)


class NeutronNetwork:
    """Ports and groups of the cloud, by id."""

    def __init__(self, network: IpNetwork) -> None:
        self.network, self.quota = network, NetworkQuota()
        self.ports: dict[str, Port] = {}
        default = SecurityGroup(DEFAULT_GROUP, "Default security group")
        for ethertype in ETHERTYPES:
            self._append_rule(
                default, {"direction": "ingress", "ethertype": ethertype, "remote_group_id": default.id}
            )
            self._append_rule(default, {"direction": "egress", "ethertype": ethertype})
        self.groups: dict[str, SecurityGroup] = {default.id: default}

    @property
    def gateway(self) -> str:
        return str(next(iter(self.network.hosts())))

    @property
    def default_group(self) -> SecurityGroup:
        """The project's own group, which a port has that names none."""
        return next(iter(self.groups.values()))

    def add_port(
        self,
        name: str = "",
        groups: Sequence[str] = (),
        address: str | None = None,
        is_server_owned: bool = False,
    ) -> Port:
        """Add a port, at this address or at a free one."""
        _check_quota("port", len(self.ports) + 1, self.quota.ports)
        for group in groups:
            self.find_group(group)
        if address is not None:
            self._check_address(address)
        else:
            used_addresses = {port.address for port in self.ports.values()}
            addresses = (each for each in list_guest_addresses(self.network) if each not in used_addresses)
            address = next(addresses, None)
        if address is None:
            raise ResourceFailure("NoMoreFixedIps", "No fixed IP addresses available")
        port = Port(address, name, list(groups), is_server_owned=is_server_owned)
        self.ports[port.id] = port
        return port

    def move_port(self, port: Port, address: str) -> None:
        """Give a port another address."""
        if address != port.address:
            self._check_address(address)
            port.address = address

    def find_port(self, port_id: str) -> Port:
        if port_id not in self.ports:
            raise PortNotFound(port_id)
        return self.ports[port_id]

    def remove_port(self, port_id: str) -> None:
        """Remove a port, and so free its address."""
        del self.ports[self.find_port(port_id).id]

    def list_server_ports(self, server_id: str) -> tuple[Port, ...]:
        """List a server's ports in the order of their creation."""
        return tuple(port for port in self.ports.values() if port.server_id == server_id)

    def release_ports(self, server_id: str) -> None:
        """Remove the ports that were created with a server; the others are free for the next one."""
        for port in self.list_server_ports(server_id):
            if port.is_server_owned:
                del self.ports[port.id]
            port.server_id = ""

    def add_group(self, name: str, description: str = "", is_stateful: bool = True) -> SecurityGroup:
        """Add a group. It allows everything that goes out."""
        _check_quota("security_group", len(self.groups) + 1, self.quota.groups)
        _check_quota("security_group_rule", len(self.list_rules()) + len(ETHERTYPES), self.quota.rules)
        group = SecurityGroup(name, description, is_stateful)
        for ethertype in ETHERTYPES:
            self._append_rule(group, {"direction": "egress", "ethertype": ethertype})
        self.groups[group.id] = group
        return group

    def find_group(self, group_id: str) -> SecurityGroup:
        if group_id not in self.groups:
            raise SecurityGroupNotFound(group_id)
        return self.groups[group_id]

    def check_use(self, group: SecurityGroup) -> None:
        """Raise SecurityGroupInUse if a port has the group."""
        if any(group.id in port.groups for port in self.ports.values()):
            raise SecurityGroupInUse(f"Security Group {group.id} in use.")

    def remove_group(self, group_id: str) -> None:
        """Remove a group that no port has, and the rules of others that name it."""
        group = self.find_group(group_id)
        self.check_use(group)
        if group is self.default_group:
            raise SecurityGroupCannotRemoveDefault
        del self.groups[group.id]
        for rule in self.list_rules():
            if rule.attributes["remote_group_id"] == group.id:
                self.remove_rule(rule.id)

    def add_rule(self, group_id: str, attributes: Mapping[str, object]) -> SecurityGroupRule:
        """Add a rule, with those of the attributes that are not None."""
        given = {name: value for name, value in attributes.items() if value is not None}
        return self.add_rules([{**given, "security_group_id": group_id}])[0]

    def add_rules(self, bodies: Sequence[Mapping[str, Any]]) -> list[SecurityGroupRule]:
        """Add all of these rules of one group, or none. SecurityGroupRuleExists if the group has an equal one.

        The quota comes first: who has no room for a rule is not told that it is there.
        """
        read = [read_creation(body, RULE_ATTRIBUTES, RULE_SHOWN) for body in bodies]
        _check_quota("security_group_rule", len(self.list_rules()) + len(read), self.quota.rules)
        if len({each["security_group_id"] for each in read}) != 1:
            raise SecurityGroupNotSingleGroupRules(
                "Only allowed to update rules for one security profile at a time"
            )
        rules = [complete_rule(each) for each in read]
        for rule in rules:
            if rule["remote_group_id"]:
                self.find_group(rule["remote_group_id"])
            if rule["remote_address_group_id"]:
                raise AddressGroupNotFound(rule["remote_address_group_id"])
        group = self.find_group(rules[0]["security_group_id"])
        _check_copies(group, rules)
        group.revision.bump()
        return [self._append_rule(group, rule) for rule in rules]

    def list_rules(self) -> tuple[SecurityGroupRule, ...]:
        return tuple(itertools.chain.from_iterable(group.rules for group in self.groups.values()))

    def find_rule(self, rule_id: str) -> SecurityGroupRule:
        rule = next((rule for rule in self.list_rules() if rule.id == rule_id), None)
        if rule is None:
            raise SecurityGroupRuleNotFound(rule_id)
        return rule

    def remove_rule(self, rule_id: str) -> None:
        rule = self.find_rule(rule_id)
        group = self.groups[rule.group]
        group.rules.remove(rule)
        group.revision.bump()

    def _append_rule(self, group: SecurityGroup, attributes: Mapping[str, object]) -> SecurityGroupRule:
        rule = SecurityGroupRule(group.id, complete_rule({**attributes, "security_group_id": group.id}))
        group.rules.append(rule)
        return rule

    def _check_address(self, address: str) -> None:
        used_addresses = {port.address for port in self.ports.values()}
        if address in used_addresses or not is_host_address(address, self.network):
            raise ResourceFailure("IpAddressInUseClient", f"Unable to assign the address {address}")


def _check_copies(group: SecurityGroup, rules: Sequence[Mapping[str, Any]]) -> None:
    keys = [build_comparison_key(rule) for rule in rules]
    if len(set(keys)) < len(keys):
        raise DuplicateSecurityGroupRuleInPost
    for rule in group.rules:
        if build_comparison_key(rule.attributes) in keys:
            raise SecurityGroupRuleExists(rule.id)


def _check_quota(resource: str, count: int, limit: int) -> None:
    if count > limit:
        raise OverQuota(f"Quota exceeded for resources: ['{resource}'].")
