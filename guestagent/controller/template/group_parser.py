"""Reads the security groups of a template, with the client networks that they admit."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from guestagent.controller.database_group import DIGEST_LENGTH, GROUP_RESOURCE, DatabaseGroup, FormerGroup
from guestagent.controller.template.extra_group_resources import SECURITY_GROUP_TYPE, read_extra_groups
from guestagent.controller.template.keys import CFN_KEYS, HOT_KEYS, TemplateKeys
from guestagent.controller.template.nested_values import find_value, has_key, read_string
from guestagent.validation import Cursor

GROUP_PATTERN = re.compile(rf"{GROUP_RESOURCE}([1-9][0-9]{{0,6}})?")
RULE_PATTERN = re.compile(rf"({GROUP_PATTERN.pattern})Rule[0-9a-f]{{{DIGEST_LENGTH}}}")


def read_groups(resources: Cursor, keys: TemplateKeys, follower_networks: Collection[str]) -> dict[str, Any]:
    """Read the arguments of Cluster that concern its groups. Rendering again finds out whether all rules agree.

    `follower_networks` have rules, too, and are not for clients.
    """
    if keys is CFN_KEYS:
        group_keys = _choose_keys(resources, keys)
        networks = tuple(_read_inline_networks(resources, GROUP_RESOURCE, group_keys))
        return {"client_networks": networks, "ipv6": _has_ipv6(resources, GROUP_RESOURCE, group_keys)}
    hot_keys = (keys.properties, keys.rules, keys.remote_network)
    found = {
        number: DatabaseGroup(number, tuple(_read_inline_networks(resources, name, hot_keys)))
        for number, name in _list_groups(resources)
    } or {1: DatabaseGroup(1, tuple(_read_inline_networks(resources, GROUP_RESOURCE, hot_keys)))}
    group = found.pop(max(found))
    former = found.pop(max(found)) if found else None
    return {
        "client_networks": _list_networks(resources, group, follower_networks),
        "ipv6": _has_ipv6(resources, group.resource, hot_keys),
        "group": group,
        "extra_groups": read_extra_groups(resources),
        "former_group": None
        if former is None
        else FormerGroup(former, _list_networks(resources, former, follower_networks)),
    }


def _list_groups(resources: Cursor) -> list[tuple[int, str]]:
    matches = [
        match for name in resources.read_mapping() or {} if (match := GROUP_PATTERN.fullmatch(str(name)))
    ]
    return [
        (int(match[1] or 1), match[0])
        for match in matches
        if read_string(resources, match[0], "type") == SECURITY_GROUP_TYPE
    ]


def _list_networks(resources: Cursor, group: DatabaseGroup, others: Collection[str]) -> tuple[str, ...]:
    """List the networks of a group: those in it, then those whose rules are resources, in the order of End's list."""
    order = {name: index for index, name in enumerate(_list_ends(resources))}
    networks: list[tuple[int, str]] = []
    for name, resource in (resources.read_mapping() or {}).items():
        match = RULE_PATTERN.fullmatch(str(name))
        if match and match[1] == group.resource and has_key(resources, name, "type"):
            network = read_string(resources.get_child(name, resource), "properties", "remote_ip_prefix")
            if network not in others:
                networks.append((order.get(name, len(order)), network or ""))
    return (*group.inline_networks, *(network for _, network in sorted(networks)))


def _list_ends(resources: Cursor) -> list[str]:
    names = resources.value["End"].get("depends_on") if has_key(resources, "End", "depends_on") else []  # type: ignore[index]
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _choose_keys(resources: Cursor, keys: TemplateKeys) -> tuple[str, str, str]:
    """Return the keys of the group's properties, rules and networks. Neutron's type has HOT's in both formats."""
    is_neutron_type = (
        has_key(resources, GROUP_RESOURCE, keys.type)
        and read_string(resources, GROUP_RESOURCE, keys.type) == SECURITY_GROUP_TYPE
    )
    type_keys = HOT_KEYS if is_neutron_type else keys
    return keys.properties, type_keys.rules, type_keys.remote_network


def _has_ipv6(resources: Cursor, group: str, group_keys: tuple[str, str, str]) -> bool:
    """Return whether the nodes reach each other over IPv6."""
    properties, rules_key, network_key = group_keys
    rules = find_value(resources, group, properties, rules_key)
    node_rules = [rule for rule in rules.read_items() if not has_key(rule, network_key)] if rules else []
    return any(has_key(rule, "ethertype") and rule.value["ethertype"] == "IPv6" for rule in node_rules)  # type: ignore[index]


def _read_inline_networks(resources: Cursor, group: str, group_keys: tuple[str, str, str]) -> list[str]:
    properties, rules_key, network_key = group_keys
    rules = find_value(resources, group, properties, rules_key)
    network_rules = [rule for rule in rules.read_items() if has_key(rule, network_key)] if rules else []
    networks = [read_string(rule, network_key) for rule in network_rules]
    return [network for network in networks if network is not None]
