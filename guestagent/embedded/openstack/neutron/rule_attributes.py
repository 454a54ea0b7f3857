"""The rules of security groups: which ones Neutron accepts, how it keeps them, and which are equal to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
)
from typing import Any

from guestagent.embedded.openstack.neutron.attributes import (
    REQUIRED,
    Attribute,
    build_choice,
    read_id,
    read_text,
)
from guestagent.embedded.openstack.neutron.errors import (
    InvalidCIDR,
    SecurityGroupEthertypeConflictWithProtocol,
    SecurityGroupInvalidIcmpValue,
    SecurityGroupInvalidPortRange,
    SecurityGroupInvalidPortValue,
    SecurityGroupInvalidProtocolForPort,
    SecurityGroupMissingIcmpType,
    SecurityGroupMultipleRemoteEntites,
    SecurityGroupProtocolRequiredWithPorts,
    SecurityGroupRuleInvalidEtherType,
    SecurityGroupRuleInvalidProtocol,
    SecurityGroupRuleParameterConflict,
)

ETHERTYPES = ("IPv4", "IPv6")
PORT_LIMIT, BYTE_LIMIT = 65535, 255
MAPPED = 0xFFFF
"""The first 96 bits of an IPv4 address in IPv6."""
PROTOCOLS: Mapping[str, int] = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "igmp": 2, "ip": 0, "ipip": 4,
    "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}  # fmt: skip
PORT_PROTOCOLS = ("dccp", "sctp", "tcp", "udp", "udplite")
ICMP_NUMBERS = frozenset({PROTOCOLS["icmp"], PROTOCOLS["ipv6-icmp"]})
IPV6_PROTOCOLS = frozenset(name for name in PROTOCOLS if "v6" in name)
IPV6_NUMBERS = frozenset(str(PROTOCOLS[name]) for name in IPV6_PROTOCOLS)
ANY_NETWORKS = frozenset({"0.0.0.0/0", "::/0"})
COMPARED_KEYS = (
    *("direction", "ethertype", "port_range_max", "port_range_min", "protocol", "remote_group_id"),
    *("remote_ip_prefix", "security_group_id"),
)


def complete_rule(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rule as Neutron keeps it. An ApiError says what is wrong with it by itself."""
    rule = dict.fromkeys(RULE_ATTRIBUTES) | {"description": "", **attributes}
    rule["ethertype"] = rule["ethertype"] or ETHERTYPES[0]
    _name_icmp_of_ipv6(rule)
    if (rule["port_range_min"], rule["port_range_max"]) == (1, PORT_LIMIT):
        rule["port_range_min"] = rule["port_range_max"] = None
    _check_ports(rule)
    _check_prefix(rule)
    if rule["ethertype"] == "IPv4" and str(rule["protocol"]) in IPV6_PROTOCOLS | IPV6_NUMBERS:
        raise SecurityGroupEthertypeConflictWithProtocol(
            f"Invalid ethertype IPv4 for protocol {rule['protocol']}."
        )
    if rule["remote_ip_prefix"] and rule["remote_group_id"]:
        raise SecurityGroupMultipleRemoteEntites(
            "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided."
        )
    return rule


def build_comparison_key(rule: Mapping[str, Any]) -> tuple[object, ...]:
    """Return that by which Neutron compares rules: 6 is tcp, and any network is none. A description does not count."""
    values = {name: rule.get(name) for name in COMPARED_KEYS}
    values["protocol"] = _find_number(rule.get("protocol"))
    if values["remote_ip_prefix"] in ANY_NETWORKS:
        values["remote_ip_prefix"] = None
    return tuple(values.values())


def read_protocol(value: Any) -> str | None:
    """Read a protocol by its name or number, which are kept as they are."""
    if value is None:
        return None
    text = str(value).lower()
    if text in PROTOCOLS or (text.isdecimal() and int(text) <= BYTE_LIMIT):
        return text
    raise SecurityGroupRuleInvalidProtocol(
        f"Security group rule protocol {value} not supported. Only protocol values {[None, *PROTOCOLS]} and integer "
        "representations [0 to 255] are supported."
    )


def read_port(value: Any) -> int | None:
    """Read a port, which may be a text."""
    if value is None:
        return None
    if str(value).isdecimal() and int(value) <= PORT_LIMIT:
        return int(value)
    raise SecurityGroupInvalidPortValue(f"Invalid value for port {value}")


def read_ethertype(value: Any) -> str:
    """Read an IP version, in upper or lower case."""
    for ethertype in ETHERTYPES:
        if str(value).lower() == ethertype.lower():
            return ethertype
    raise SecurityGroupRuleInvalidEtherType(
        f"Security group rule for ethertype '{value}' not supported. Allowed values are {list(ETHERTYPES)}."
    )


def read_prefix(value: Any) -> str | None:
    """Read a network, which keeps its host bits and gets a length."""
    if not value:
        return None
    try:
        if "%" in str(value):
            raise ValueError("Neutron knows no scopes")
        return _format_prefix(ip_interface(str(value)))
    except ValueError as error:
        raise InvalidCIDR(f"Invalid CIDR {value} given as IP prefix.") from error


def normalize_prefix(prefix: str | None) -> str | None:
    """Return a network without its host bits."""
    return None if prefix is None else _format_prefix(ip_interface(prefix).network)


def _format_prefix(prefix: IPv4Interface | IPv6Interface | IPv4Network | IPv6Network) -> str:
    """Format a prefix as Neutron does: an IPv4 address in IPv6 has its dots."""
    address, _, length = str(prefix).partition("/")
    return f"{_add_dots(ip_address(address))}/{length}"


def _add_dots(address: IPv4Address | IPv6Address) -> str:
    first, last = divmod(int(address), 2**32)
    if address.version == 4 or first not in {0, MAPPED} or (first == 0 and last < 2**16):
        return str(address)
    return f"{'::ffff:' if first else '::'}{IPv4Address(last)}"


def read_remote_group(value: Any) -> str | None:
    """Read the id of a group; whether it is there is found out later."""
    return None if value is None else str(value)


RULE_ATTRIBUTES: Mapping[str, Attribute] = {
    "security_group_id": Attribute(read_text, REQUIRED),
    "remote_group_id": Attribute(read_remote_group, None),
    "direction": Attribute(build_choice("ingress", "egress"), REQUIRED),
    "protocol": Attribute(read_protocol, None),
    "port_range_min": Attribute(read_port, None),
    "port_range_max": Attribute(read_port, None),
    "ethertype": Attribute(read_ethertype, ETHERTYPES[0]),
    "remote_ip_prefix": Attribute(read_prefix, None),
    "tenant_id": Attribute(read_text),
    "project_id": Attribute(read_text),
    "description": Attribute(read_text, ""),
    "remote_address_group_id": Attribute(read_id),
}


def _name_icmp_of_ipv6(rule: dict[str, Any]) -> None:
    """Keep the ICMP of IPv6 under its own name."""
    if rule["ethertype"] == "IPv6":
        other_names = {"icmp": "ipv6-icmp", "icmpv6": "ipv6-icmp", "1": "58"}
        rule["protocol"] = other_names.get(str(rule["protocol"]), rule["protocol"])


def _check_ports(rule: Mapping[str, Any]) -> None:
    first, last, protocol = rule["port_range_min"], rule["port_range_max"], rule["protocol"]
    if first is None and last is None:
        return
    if not protocol:
        raise SecurityGroupProtocolRequiredWithPorts("Must also specify protocol if port range is given.")
    number = _find_number(protocol)
    if number in {PROTOCOLS[name] for name in PORT_PROTOCOLS}:
        if 0 in (first, last):
            raise SecurityGroupInvalidPortValue("Invalid value for port 0")
        if first is None or last is None or first > last:
            raise SecurityGroupInvalidPortRange(
                "For TCP/UDP protocols, port_range_min must be <= port_range_max"
            )
    elif number in ICMP_NUMBERS:
        _check_icmp(first, last)
    else:
        names = ", ".join(name.upper() for name in PORT_PROTOCOLS)
        raise SecurityGroupInvalidProtocolForPort(
            f"Ports cannot be specified for protocol {number}. Ports are only supported for {names}."
        )


def _check_icmp(kind: int | None, code: int | None) -> None:
    for field, name, value in (("type", "port_range_min", kind), ("code", "port_range_max", code)):
        if value is not None and value > BYTE_LIMIT:
            raise SecurityGroupInvalidIcmpValue(
                f"Invalid value for ICMP {field} ({name}) {value}. It must be 0 to {BYTE_LIMIT}."
            )
    if kind is None:
        raise SecurityGroupMissingIcmpType(
            f"ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing."
        )


def _check_prefix(rule: Mapping[str, Any]) -> None:
    prefix = rule["remote_ip_prefix"]
    if prefix and rule["ethertype"] != f"IPv{ip_interface(prefix).version}":
        raise SecurityGroupRuleParameterConflict(
            f"Conflicting value ethertype {rule['ethertype']} for CIDR {prefix}"
        )


def _find_number(protocol: object) -> int | None:
    """Return the number of a protocol."""
    if protocol is None:
        return None
    text = str(protocol)
    return int(text) if text.isdecimal() else PROTOCOLS[text]
