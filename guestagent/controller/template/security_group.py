"""The group that opens the database port, as Neutron has it: the same in both dialects."""

from __future__ import annotations

from ipaddress import ip_network

from guestagent.controller.cluster import Cluster
from guestagent.controller.template.node_metadata import DATABASE_PORT, TemplateMapping

SECURITY_GROUP_TYPE = "OS::Neutron::SecurityGroup"
IPV6_RULE = {"ethertype": "IPv6"}


def build_security_group(cluster: Cluster, members: TemplateMapping | None = None) -> TemplateMapping:
    """The properties. `members` is the group of the nodes; None: the group itself.

    A rule is of IPv4 unless it says otherwise, also one that names a group.
    """
    origins = [_nodes(members)] + ([{**_nodes(members), **IPV6_RULE}] if cluster.ipv6 else [])
    origins += [_origin(network) for network in cluster.client_networks]
    port = {"protocol": "tcp", "port_range_min": DATABASE_PORT, "port_range_max": DATABASE_PORT}
    return {
        "description": "The database port, between the nodes and from the client networks",
        "rules": [{**port, **origin} for origin in origins],
    }


def _nodes(members: TemplateMapping | None) -> TemplateMapping:
    """A rule's own copy: YAML would show the same one twice as an anchor and an alias."""
    return {"remote_mode": "remote_group_id"} | (
        {} if members is None else {"remote_group_id": dict(members)}
    )


def _origin(network: str) -> TemplateMapping:
    return {"remote_ip_prefix": network, **(IPV6_RULE if ip_network(network).version == 6 else {})}
