"""The group that opens the database port, as Neutron has it: the same in both dialects."""

from __future__ import annotations

from ipaddress import ip_network

from guestagent.controller.cluster import Cluster
from guestagent.controller.render.contents import PORT, Resource

GROUP = "OS::Neutron::SecurityGroup"
IPV6 = {"ethertype": "IPv6"}


def neutron_group(cluster: Cluster, members: Resource | None = None) -> Resource:
    """The properties. `members` is the group of the nodes; None: the group itself.

    A rule is of IPv4 unless it says otherwise, also one that names a group.
    """
    origins = [_nodes(members)] + ([{**_nodes(members), **IPV6}] if cluster.ipv6 else [])
    origins += [_origin(network) for network in cluster.client_networks]
    port = {"protocol": "tcp", "port_range_min": PORT, "port_range_max": PORT}
    return {
        "description": "The database port, between the nodes and from the client networks",
        "rules": [{**port, **origin} for origin in origins],
    }


def _nodes(members: Resource | None) -> Resource:
    """A rule's own copy: YAML would show the same one twice as an anchor and an alias."""
    return {"remote_mode": "remote_group_id"} | ({} if members is None else {"remote_group_id": dict(members)})


def _origin(network: str) -> Resource:
    return {"remote_ip_prefix": network, **(IPV6 if ip_network(network).version == 6 else {})}
