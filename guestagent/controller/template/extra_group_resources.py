"""The security groups of a HOT template beside that of the database, built and read: a resource for each rule."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.database_group import DIGEST_LENGTH
from guestagent.controller.extra_group import GROUP_PREFIX, ExtraGroup
from guestagent.controller.group_rule import Rule, build_rule
from guestagent.controller.template.nested_values import (
    has_key,
    read_integer,
    read_optional_string,
    read_string,
)
from guestagent.controller.template.node_values import TemplateMapping
from guestagent.validation import Cursor

SECURITY_GROUP_TYPE = "OS::Neutron::SecurityGroup"
RULE_TYPE = "OS::Neutron::SecurityGroupRule"
DESCRIPTION = "Further rules for the nodes"
RULE_SUFFIX = re.compile(rf"-Rule[0-9a-f]{{{DIGEST_LENGTH}}}")


def build_extra_groups(cluster: Cluster) -> dict[str, TemplateMapping]:
    """Build the groups and their rules."""
    resources: dict[str, TemplateMapping] = {}
    for group in cluster.extra_groups:
        properties: dict[str, Any] = {"description": DESCRIPTION}
        resources[group.resource] = {
            "type": SECURITY_GROUP_TYPE,
            "depends_on": "Begin",
            "properties": properties,
        }
        for rule in group.rules:
            resources[group.name_rule(rule)] = {
                "type": RULE_TYPE,
                "properties": _build_properties(group, rule),
            }
    return resources


def read_extra_groups(resources: Cursor) -> tuple[ExtraGroup, ...]:
    """Read the groups. Rendering again finds out whether everything in them agrees."""
    names = sorted(str(name) for name in resources.read_mapping() or {})
    groups = [
        name
        for name in names
        if name.startswith(GROUP_PREFIX) and read_string(resources, name, "type") == SECURITY_GROUP_TYPE
    ]
    return tuple(
        ExtraGroup(group.removeprefix(GROUP_PREFIX), _read_rules(resources, group, names)) for group in groups
    )


def _build_properties(group: ExtraGroup, rule: Rule) -> TemplateMapping:
    ports = {"port_range_min": rule.port_min, "port_range_max": rule.port_max}
    me = {"get_resource": group.resource}
    return {
        "security_group": me,
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": rule.protocol,
        **{key: port for key, port in ports.items() if port is not None},
        **({"remote_group": dict(me)} if rule.network is None else {"remote_ip_prefix": str(rule.network)}),
    }


def _read_rules(resources: Cursor, group: str, names: list[str]) -> tuple[Rule, ...]:
    rules = [
        _read_rule(resources.get_child(name, resources.value[name]))  # type: ignore[index]
        for name in names
        if name.startswith(group) and RULE_SUFFIX.fullmatch(name.removeprefix(group))
    ]
    return tuple(sorted((rule for rule in rules if rule is not None), key=lambda rule: rule.key))


def _read_rule(resource: Cursor) -> Rule | None:
    protocol = read_string(resource, "properties", "protocol")
    direction = read_string(resource, "properties", "direction")
    ethertype = read_string(resource, "properties", "ethertype")
    prefix = read_optional_string(resource, "properties", "remote_ip_prefix")
    if protocol is None or direction is None or ethertype is None:
        return None
    try:
        network = None if prefix is None else ip_network(prefix)
    except ValueError:
        return resource.add_problem("a network in CIDR form", repr(prefix))
    first, last = _read_port(resource, "port_range_min"), _read_port(resource, "port_range_max")
    return build_rule(network, protocol, first, last, direction, ethertype)


def _read_port(resource: Cursor, key: str) -> int | None:
    return read_integer(resource, "properties", key) if has_key(resource, "properties", key) else None
