"""Neutron's security group that opens the database port: the same in both template formats."""

from __future__ import annotations

from ipaddress import ip_network

from guestagent.controller.cluster import Cluster
from guestagent.controller.template.node_metadata import DATABASE_PORT
from guestagent.controller.template.node_values import TemplateMapping

SECURITY_GROUP_TYPE = "OS::Neutron::SecurityGroup"
IPV6_RULE = {"ethertype": "IPv6"}


def build_security_group(cluster: Cluster, members: TemplateMapping | None = None) -> TemplateMapping:
    """Build the properties. `members` is the group of the nodes; None: this group itself.

    A rule is for IPv4 unless it has another ethertype, even if it names a group.
    """
    sources = [_allow_nodes(members)] + ([{**_allow_nodes(members), **IPV6_RULE}] if cluster.ipv6 else [])
    sources += [_allow_network(network) for network in cluster.client_networks]
    port = {"protocol": "tcp", "port_range_min": DATABASE_PORT, "port_range_max": DATABASE_PORT}
    return {
        "description": "The database port, between the nodes and from the client networks",
        "rules": [{**port, **origin} for origin in sources],
    }


def _allow_nodes(members: TemplateMapping | None) -> TemplateMapping:
    """Return a copy for each rule: YAML would write a shared one as an anchor and an alias."""
    return {"remote_mode": "remote_group_id"} | (
        {} if members is None else {"remote_group_id": dict(members)}
    )


def _allow_network(network: str) -> TemplateMapping:
    return {"remote_ip_prefix": network, **(IPV6_RULE if ip_network(network).version == 6 else {})}
