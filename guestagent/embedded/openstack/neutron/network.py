"""The one network: its ports with their addresses, and security groups, which are kept and filter nothing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guestagent.embedded.host.identifiers import build_fixed_id, generate_id
from guestagent.embedded.host.ip_network import (
    IpNetwork,
    build_mac_address,
    is_host_address,
    list_guest_addresses,
)
from guestagent.embedded.http.errors import ApiError, EntityNotFound, ResourceFailure

DEFAULT_GROUP = "default"
NETWORK_ID, SUBNET_ID = build_fixed_id("network"), build_fixed_id("subnet")
NETWORK_NAME, SUBNET_NAME = "embedded", "embedded-subnet"


class InUse(ApiError):
    """An object that another still needs cannot be removed."""

    status = 409


class RuleExists(ApiError):
    """An equal rule is there; the message has its id. Neutron's clients tell it from a quota by its type."""

    status = 409


class OverQuota(ApiError):
    """A request above the project's quota."""

    status = 409


@dataclass(slots=True)
class NetworkQuota:
    """The limits of the project."""

    ports: int = 500
    groups: int = 100
    rules: int = 1000


@dataclass(slots=True, eq=False)
class Port:
    """One address, and the server that has it. If `is_server_owned`, it is created and removed with its server."""

    address: str
    name: str = ""
    groups: list[str] = field(default_factory=list)
    description: str = ""
    server_id: str = ""
    is_server_owned: bool = False
    id: str = field(default_factory=generate_id)

    @property
    def mac(self) -> str:
        """The MAC address, which the guest's link has too."""
        return build_mac_address(self.address)


@dataclass(slots=True, eq=False)
class SecurityGroupRule:
    """A rule of a group, with its attributes as requested."""

    group: str
    attributes: Mapping[str, object]
    id: str = field(default_factory=generate_id)


@dataclass(slots=True, eq=False)
class SecurityGroup:
    """A security group."""

    name: str
    description: str = ""
    rules: list[SecurityGroupRule] = field(default_factory=list)
    id: str = field(default_factory=generate_id)


class NeutronNetwork:
    """Ports and groups of the cloud, by id."""

    def __init__(self, network: IpNetwork) -> None:
        self.network, self.quota = network, NetworkQuota()
        self.ports: dict[str, Port] = {}
        default = SecurityGroup(DEFAULT_GROUP, "Default security group")
        self.groups: dict[str, SecurityGroup] = {default.id: default}

    @property
    def gateway(self) -> str:
        return str(next(iter(self.network.hosts())))

    def add_port(
        self,
        name: str = "",
        groups: Sequence[str] = (),
        address: str | None = None,
        is_server_owned: bool = False,
    ) -> Port:
        """Add a port, at this address or at a free one."""
        _check_quota("port", len(self.ports), self.quota.ports)
        for group in groups:
            self.find_group(group)
        used_addresses = {port.address for port in self.ports.values()}
        if address is not None and (address in used_addresses or not is_host_address(address, self.network)):
            raise ResourceFailure("IpAddressInUseClient", f"Unable to assign the address {address}")
        if address is None:
            free_addresses = (
                free_address
                for free_address in list_guest_addresses(self.network)
                if free_address not in used_addresses
            )
            address = next(free_addresses, None)
        if address is None:
            raise ResourceFailure("NoMoreFixedIps", "No fixed IP addresses available")
        port = Port(address, name, list(groups), is_server_owned=is_server_owned)
        self.ports[port.id] = port
        return port

    def find_port(self, port_id: str) -> Port:
        if port_id not in self.ports:
            raise EntityNotFound(f"Port {port_id} could not be found.")
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

    def add_group(self, name: str, description: str = "") -> SecurityGroup:
        """Add a group. It allows everything that goes out."""
        _check_quota("security_group", len(self.groups), self.quota.groups)
        group = SecurityGroup(name, description)
        for ethertype in ("IPv4", "IPv6"):
            group.rules.append(SecurityGroupRule(group.id, {"direction": "egress", "ethertype": ethertype}))
        self.groups[group.id] = group
        return group

    def find_group(self, group_id: str) -> SecurityGroup:
        if group_id not in self.groups:
            raise EntityNotFound(f"Security group {group_id} does not exist")
        return self.groups[group_id]

    def remove_group(self, group_id: str) -> None:
        """Remove a group; InUse if a port has it."""
        group = self.find_group(group_id)
        if any(group.id in port.groups for port in self.ports.values()):
            raise InUse(f"Security Group {group.id} in use.")
        del self.groups[group.id]

    def add_rule(self, group_id: str, attributes: Mapping[str, object]) -> SecurityGroupRule:
        """Add a rule; RuleExists if the group has an equal one. Its description does not count."""
        group = self.find_group(group_id)
        if remote_group := attributes.get("remote_group_id"):
            self.find_group(str(remote_group))
        normal = normalize_rule(attributes)
        for rule in group.rules:
            if normalize_rule(rule.attributes) == normal:
                raise RuleExists(f"Security group rule already exists. Rule id is {rule.id}.")
        _check_quota("security_group_rule", len(self.list_rules()), self.quota.rules)
        group.rules.append(SecurityGroupRule(group.id, attributes))
        return group.rules[-1]

    def list_rules(self) -> tuple[SecurityGroupRule, ...]:
        return tuple(itertools.chain.from_iterable(group.rules for group in self.groups.values()))

    def find_rule(self, rule_id: str) -> SecurityGroupRule:
        rule = next((rule for rule in self.list_rules() if rule.id == rule_id), None)
        if rule is None:
            raise EntityNotFound(f"Security group rule {rule_id} does not exist")
        return rule

    def remove_rule(self, rule_id: str) -> None:
        rule = self.find_rule(rule_id)
        self.groups[rule.group].rules.remove(rule)


def normalize_rule(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return the attributes by which Neutron compares rules: 6 is tcp, and any network is none."""
    names = {"6": "tcp", "17": "udp", "1": "icmp", "58": "ipv6-icmp"}
    normal: dict[str, object] = {"ethertype": "IPv4", "direction": "ingress"}
    normal |= {key: value for key, value in attributes.items() if value is not None}
    if "protocol" in normal:
        protocol = str(normal["protocol"])
        normal["protocol"] = names.get(protocol, protocol)
    if normal.get("remote_ip_prefix") in {"0.0.0.0/0", "::/0"}:
        del normal["remote_ip_prefix"]
    return normal


def _check_quota(resource: str, count: int, limit: int) -> None:
    if count + 1 > limit:
        raise OverQuota(f"Quota exceeded for resources: ['{resource}'].")
