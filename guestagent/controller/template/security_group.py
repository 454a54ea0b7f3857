"""Neutron's security group that opens the database port, in both template formats, and HOT's rules for clients."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

from guestagent.controller.cluster import Cluster
from guestagent.controller.database_group import DatabaseGroup
from guestagent.controller.template.extra_group_resources import (
    RULE_TYPE,
    SECURITY_GROUP_TYPE,
    build_extra_groups,
)
from guestagent.controller.template.follower_metadata import list_follower_networks
from guestagent.controller.template.node_metadata import DATABASE_PORT
from guestagent.controller.template.node_values import TemplateMapping

IPV6_RULE = {"ethertype": "IPv6"}


PORT_RANGE = {"protocol": "tcp", "port_range_min": DATABASE_PORT, "port_range_max": DATABASE_PORT}


def build_groups(cluster: Cluster) -> dict[str, TemplateMapping]:
    """Build the group of the nodes in HOT, and the one that they leave, each with its rules for client networks."""
    former, followers = cluster.former_group, list_follower_networks(cluster)
    resources = {} if former is None else _build_group(cluster, former.group, (*former.networks, *followers))
    return (
        resources
        | _build_group(cluster, cluster.group, (*cluster.client_networks, *followers))
        | build_extra_groups(cluster)
    )


def list_groups(cluster: Cluster) -> list[TemplateMapping]:
    """List the groups of each node's port in HOT."""
    groups = ([] if cluster.former_group is None else [cluster.former_group.group]) + [cluster.group]
    names = [*(group.resource for group in groups), *(group.resource for group in cluster.extra_groups)]
    return [{"get_resource": name} for name in names]


def list_client_rules(cluster: Cluster) -> list[str]:
    """List the names of the resources that are rules for the networks of clients and followers in HOT."""
    return [name for name, resource in build_groups(cluster).items() if resource["type"] == RULE_TYPE]


def _build_group(
    cluster: Cluster, group: DatabaseGroup, networks: Sequence[str]
) -> dict[str, TemplateMapping]:
    properties = build_security_group(cluster, group.inline_networks)
    resources = {
        group.resource: {"type": SECURITY_GROUP_TYPE, "depends_on": "Begin", "properties": properties}
    }
    for network in networks:
        if network not in group.inline_networks:
            rule = _build_rule({"get_resource": group.resource}, network)
            resources[group.name_rule(network)] = {"type": RULE_TYPE, "properties": rule}
    return resources


def build_follower_rules(cluster: Cluster) -> dict[str, TemplateMapping]:
    """Build the rules for followers in CFN, by the names of their resources. The group itself never changes."""
    return {
        cluster.group.name_rule(network): {
            "Type": RULE_TYPE,
            "Properties": _build_rule({"Ref": cluster.group.resource}, network),
        }
        for network in list_follower_networks(cluster)
    }


def _build_rule(group: TemplateMapping, network: str) -> TemplateMapping:
    return {"security_group": group, **PORT_RANGE, **_allow_network(network)}


def build_security_group(
    cluster: Cluster, networks: Sequence[str], members: TemplateMapping | None = None
) -> TemplateMapping:
    """Build the properties of a group that admits its members and these networks, without a resource for each rule.

    `members` is the group of the nodes; None: this group itself.

    A rule is for IPv4 unless it has another ethertype, even if it names a group.
    """
    sources = [_allow_nodes(members)] + ([{**_allow_nodes(members), **IPV6_RULE}] if cluster.ipv6 else [])
    sources += [_allow_network(network) for network in networks]
    return {
        "description": "The database port, between the nodes and from the client networks",
        "rules": [{**PORT_RANGE, **origin} for origin in sources],
    }


def _allow_nodes(members: TemplateMapping | None) -> TemplateMapping:
    """Return a copy for each rule: YAML would write a shared one as an anchor and an alias."""
    return {"remote_mode": "remote_group_id"} | (
        {} if members is None else {"remote_group_id": dict(members)}
    )


def _allow_network(network: str) -> TemplateMapping:
    return {"remote_ip_prefix": network, **(IPV6_RULE if ip_network(network).version == 6 else {})}
