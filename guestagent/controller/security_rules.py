"""The ports that a template's security groups open, as far as the template shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guestagent.controller.resource_pitfalls import TemplateResources
from guestagent.validation import Cursor

RULE_LISTS = {"OS::Neutron::SecurityGroup": "rules", "AWS::EC2::SecurityGroup": "SecurityGroupIngress"}
SINGLE_RULE_TYPE = "OS::Neutron::SecurityGroupRule"
FIRST_KEYS, LAST_KEYS = ("port_range_min", "FromPort"), ("port_range_max", "ToPort")
ORIGIN_KEYS = ("remote_group", "remote_group_id", "SourceSecurityGroupId", "SourceSecurityGroupName")
NETWORK_KEYS = ("remote_ip_prefix", "CidrIp")
EVERY_NETWORK = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class PortRule:
    """A range of ports that is open. `is_limited`: to the members of a group, or to a part of the network."""

    first: int
    last: int
    is_limited: bool

    def opens(self, port: int) -> bool:
        return self.first <= port <= self.last


def list_port_rules(resources: TemplateResources) -> tuple[PortRule, ...] | None:
    """List the rules for incoming connections; None if there is no group, or if a rule cannot be read offline."""
    rules: list[PortRule] = []
    for name, cursor in resources.by_name.items():
        if resources.get_type(name) in (*RULE_LISTS, SINGLE_RULE_TYPE):
            for value in _list_values(resources, cursor):
                rule = _read_rule(resources, cursor.get_child(name, value))
                if rule is None:
                    return None
                rules += rule
    return tuple(rules) or None


def _list_values(resources: TemplateResources, cursor: Cursor) -> Iterator[object]:
    properties = resources.read_value(cursor, resources.keys.properties)
    resource_type = str(resources.read_value(cursor, resources.keys.type))
    if resource_type == SINGLE_RULE_TYPE:
        yield properties
    elif isinstance(properties, dict):
        values = properties.get(RULE_LISTS[resource_type], [])
        yield from values if isinstance(values, list) else [None]


def _read_rule(resources: TemplateResources, cursor: Cursor) -> tuple[PortRule, ...] | None:
    """Read a rule; () if it is not for incoming connections, None if it depends on what only Heat knows."""
    if not isinstance(cursor.value, dict):
        return None
    if resources.read_value(cursor, "direction") == "egress":
        return ()
    first, last = (
        _read_port(_read_first(resources, cursor, keys), default)
        for keys, default in ((FIRST_KEYS, 1), (LAST_KEYS, 65535))
    )
    if first is None or last is None:
        return None
    network = _read_first(resources, cursor, NETWORK_KEYS)
    has_group = resources.read_value(cursor, "remote_mode") == "remote_group_id" or any(
        key in cursor.value for key in ORIGIN_KEYS
    )
    return (PortRule(first, last, has_group or network not in (None, *EVERY_NETWORK)),)


def _read_first(resources: TemplateResources, cursor: Cursor, keys: tuple[str, ...]) -> object:
    return next((value for key in keys if (value := resources.read_value(cursor, key)) is not None), None)


def _read_port(value: object, default: int) -> int | None:
    try:
        return default if value is None else int(str(value))
    except ValueError:
        return None
