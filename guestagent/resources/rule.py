"""One rule of a security group as a value, its shape, and what two sets of rules have apart. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from guestagent.metadata.schema_types import Choice, Integer, Key, MappingShape, Schema
from guestagent.validation import Cursor

ANY_IPV4 = ip_network("0.0.0.0/0")
ANY_IPV6 = ip_network("::/0")
DIRECTIONS = ("ingress", "egress")
PROTOCOLS = ("tcp", "udp", "icmp", "ipv6-icmp")


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """Traffic that a security group allows. Two rules that Neutron takes for the same are equal.

    `network` is the other side, in CIDR form; its family is that of the rule. None: every member of the same group,
    of both families if `ethertype` does not choose one. Without `port_min` all ports are allowed. Source: Neutron's
    API, security-group-rules.
    """

    network: IPv4Network | IPv6Network | None
    protocol: str = "tcp"
    port_min: int | None = None
    port_max: int | None = None
    direction: str = "ingress"
    ethertype: str = "IPv4"

    @property
    def key(self) -> str:
        """A text that equal rules share and no others. Orders name rules by it."""
        ports = "any" if self.port_min is None else f"{self.port_min}-{self.port_max}"
        side = "group" if self.network is None else str(self.network)
        return f"{self.direction}/{self.ethertype}/{self.protocol}/{ports}/{side}"

    def with_network(self, network: IPv4Network | IPv6Network) -> Rule:
        """Return the same rule for another network."""
        return build_rule(network, self.protocol, self.port_min, self.port_max, self.direction)


def build_rule(
    network: IPv4Network | IPv6Network | None,
    protocol: str = "tcp",
    port_min: int | None = None,
    port_max: int | None = None,
    direction: str = "ingress",
) -> Rule:
    """Build a rule. A single port may be given as `port_min` alone."""
    ethertype = "IPv6" if network is not None and network.version == 6 else "IPv4"
    return Rule(network, protocol, port_min, port_min if port_max is None else port_max, direction, ethertype)


@dataclass(frozen=True, slots=True)
class CidrShape:
    """A network in CIDR form. Host bits are a mistake: Neutron would silently keep them."""

    expected: str = "a network in CIDR form, as in 192.0.2.0/24"

    def read(self, cursor: Cursor) -> IPv4Network | IPv6Network | None:
        if not isinstance(cursor.value, str) or "/" not in cursor.value:
            return cursor.add_problem(self.expected, None if not isinstance(cursor.value, str) else "no /")
        try:
            return ip_network(cursor.value)
        except ValueError:
            pass
        try:
            network = ip_network(cursor.value, strict=False)
        except ValueError:
            return cursor.add_problem(self.expected, "another string")
        return cursor.add_problem(self.expected, "an address with host bits", f"write {network}")

    def build_schema(self) -> Schema:
        return {"type": "string", "pattern": "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"}


CIDR = CidrShape()
PORT_NUMBER = Integer(1, 65535)
_RULE_KEYS = {
    "network": Key("network", CIDR, "the other side; missing: the members of the same group"),
    "protocol": Key("protocol", Choice(PROTOCOLS), "the protocol", default="tcp"),
    "port_min": Key("port_min", PORT_NUMBER, "the first port; missing: all ports"),
    "port_max": Key("port_max", PORT_NUMBER, "the last port; missing: port_min alone"),
    "direction": Key("direction", Choice(DIRECTIONS), "of the traffic", default="ingress"),
}


def _build_from_keys(
    network: IPv4Network | IPv6Network | None = None,
    protocol: str = "tcp",
    port_min: int | None = None,
    port_max: int | None = None,
    direction: str = "ingress",
) -> Rule:
    return build_rule(network, protocol, port_min, port_max, direction)


_MAPPING = MappingShape(_build_from_keys, _RULE_KEYS)


@dataclass(frozen=True, slots=True)
class RuleShape:
    """A rule in a document. The ports belong to TCP and UDP alone, and the last is not below the first."""

    @property
    def expected(self) -> str:
        return "a rule"

    def read(self, cursor: Cursor) -> Rule | None:
        rule = _MAPPING.read(cursor)
        if rule is None:
            return None
        ports = cursor.get_child("port_min", rule.port_min)
        if rule.port_min is None and rule.port_max is not None:
            return ports.add_problem("a port if there is a port_max")
        if rule.port_min is not None and rule.protocol not in {"tcp", "udp"}:
            return ports.add_problem("ports for tcp and udp alone", f"some for {rule.protocol}")
        if rule.port_min is not None and rule.port_max is not None and rule.port_max < rule.port_min:
            return ports.add_problem(f"at most port_max, which is {rule.port_max}", str(rule.port_min))
        if rule.protocol == "ipv6-icmp" and rule.ethertype != "IPv6":
            return cursor.get_child("protocol", rule.protocol).add_problem("icmp for IPv4", "ipv6-icmp")
        if rule.protocol == "icmp" and rule.ethertype == "IPv6":
            return cursor.get_child("protocol", rule.protocol).add_problem("ipv6-icmp for IPv6", "icmp")
        return rule

    def build_schema(self) -> Schema:
        return _MAPPING.build_schema()


def dump_rule(rule: Rule) -> dict[str, object]:
    """Return the rule's document, which `RuleShape` reads as the same rule."""
    values: dict[str, object] = {
        "network": None if rule.network is None else str(rule.network),
        "protocol": rule.protocol,
        "port_min": rule.port_min,
        "port_max": rule.port_max,
        "direction": rule.direction,
    }
    return {key: value for key, value in values.items() if value is not None}


def find_missing_rules(wanted: Iterable[Rule], existing: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the wanted rules that are not there, in an order that is always the same."""
    return tuple(sorted(set(wanted) - set(existing), key=lambda rule: rule.key))
