"""Rules of security groups in documents, and what two sets of rules have apart. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from guestagent.controller.group_rule import Rule, build_rule
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import Choice, Integer, Key, MappingShape, Schema
from guestagent.validation import Cursor

__all__ = ["Rule", "build_rule"]
ANY_IPV4 = ip_network("0.0.0.0/0")
ANY_IPV6 = ip_network("::/0")
DIRECTIONS = ("ingress", "egress")
FAMILIES = ("IPv4", "IPv6")
PROTOCOLS = ("tcp", "udp", "icmp", "ipv6-icmp")
PORT_PROTOCOLS = frozenset({"tcp", "udp"})
FAMILIES_BY_PROTOCOL: Mapping[str, str] = {"icmp": "IPv4", "ipv6-icmp": "IPv6"}
"""The family of the protocols that have only one."""
PORT_LIMIT = 65535
CIDR_PATTERN = rf"^[0-9A-Fa-f:.]+/[0-9]{{1,3}}{END}"
"""Python takes more for a network: a mask in place of the length, and a scope, which may hold any character."""


@dataclass(frozen=True, slots=True)
class CidrShape:
    """A network in CIDR form. Host bits are a mistake: Neutron would silently keep them."""

    expected: str = "a network in CIDR form, as in 192.0.2.0/24"

    def read(self, cursor: Cursor) -> IPv4Network | IPv6Network | None:
        if not isinstance(cursor.value, str):
            return cursor.add_problem(self.expected)
        if not re.search(CIDR_PATTERN, cursor.value):
            return cursor.add_problem(self.expected, "another string" if "/" in cursor.value else "no /")
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
        return {"type": "string", "pattern": CIDR_PATTERN}


CIDR = CidrShape()
PORT_NUMBER = Integer(1, PORT_LIMIT)
_RULE_KEYS = {
    "network": Key("network", CIDR, "the other side; missing: the members of the same group"),
    "protocol": Key("protocol", Choice(PROTOCOLS), "the protocol", default="tcp"),
    "port_min": Key("port_min", PORT_NUMBER, "the first port; missing: all ports"),
    "port_max": Key("port_max", PORT_NUMBER, "the last port; missing: port_min alone"),
    "direction": Key("direction", Choice(DIRECTIONS), "of the traffic", default="ingress"),
    "ethertype": Key("ethertype", Choice(FAMILIES), "of the members of the group", default="IPv4"),
}


@dataclass(frozen=True, slots=True)
class RuleKeys:
    """The keys of a rule's document, before they are compared with each other."""

    network: IPv4Network | IPv6Network | None = None
    protocol: str = "tcp"
    port_min: int | None = None
    port_max: int | None = None
    direction: str = "ingress"
    ethertype: str | None = None


_MAPPING = MappingShape(RuleKeys, _RULE_KEYS)


@dataclass(frozen=True, slots=True)
class RuleShape:
    """A rule in a document. The ports belong to TCP and UDP alone, and the last is not below the first."""

    @property
    def expected(self) -> str:
        return "a rule"

    def read(self, cursor: Cursor) -> Rule | None:
        keys = _MAPPING.read(cursor)
        if keys is None:
            return None
        rule = build_rule(
            keys.network,
            keys.protocol,
            keys.port_min,
            keys.port_max,
            keys.direction,
            keys.ethertype or "IPv4",
        )
        if keys.ethertype not in {None, rule.ethertype}:
            ethertype = cursor.get_child("ethertype", keys.ethertype)
            return ethertype.add_problem(f"{rule.ethertype}, as the network", str(keys.ethertype))
        return rule if self._check_protocol(cursor, rule, keys.port_max) else None

    def _check_protocol(self, cursor: Cursor, rule: Rule, port_max: int | None) -> bool:
        """Compare the protocol with the ports and the family. Note a problem and return False if they do not fit."""
        ports = cursor.get_child("port_min", rule.port_min)
        protocol = cursor.get_child("protocol", rule.protocol)
        if rule.port_min is None and port_max is not None:
            ports.add_problem("a port if there is a port_max")
        elif rule.port_min is not None and rule.protocol not in PORT_PROTOCOLS:
            ports.add_problem("ports for tcp and udp alone", f"some for {rule.protocol}")
        elif rule.port_min is not None and rule.port_max is not None and rule.port_max < rule.port_min:
            ports.add_problem(f"at most port_max, which is {rule.port_max}", str(rule.port_min))
        elif not fits_family(rule):
            right = next(name for name, family in FAMILIES_BY_PROTOCOL.items() if family == rule.ethertype)
            protocol.add_problem(f"{right} for {rule.ethertype}", rule.protocol)
        else:
            return True
        return False

    def build_schema(self) -> Schema:
        return _MAPPING.build_schema()


def fits_family(rule: Rule) -> bool:
    """Return whether the protocol of a rule exists in its family."""
    return FAMILIES_BY_PROTOCOL.get(rule.protocol, rule.ethertype) == rule.ethertype


def is_expressible(rule: Rule) -> bool:
    """Return whether an order can have the rule. Neutron has others, for single types of ICMP for example."""
    ports = (rule.port_min, rule.port_max)
    has_ports = ports != (None, None)
    if has_ports and (None in ports or rule.protocol not in PORT_PROTOCOLS):
        return False
    in_order = not has_ports or 1 <= (rule.port_min or 0) <= (rule.port_max or 0) <= PORT_LIMIT
    return in_order and fits_family(rule)


def dump_rule(rule: Rule) -> dict[str, object]:
    """Return the rule's document, which `RuleShape` reads as the same rule."""
    values: dict[str, object] = {
        "network": None if rule.network is None else str(rule.network),
        "protocol": rule.protocol,
        "port_min": rule.port_min,
        "port_max": rule.port_max,
        "direction": rule.direction,
        "ethertype": rule.ethertype if rule.network is None else None,
    }
    return {key: value for key, value in values.items() if value is not None}


def find_missing_rules(wanted: Iterable[Rule], existing: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the wanted rules that are not there, in an order that is always the same."""
    return tuple(sorted(set(wanted) - set(existing), key=lambda rule: rule.key))
