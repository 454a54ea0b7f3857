"""The followers of a cluster in its template: their entries in the cluster's metadata, and their networks."""

from __future__ import annotations

import re

from guestagent.controller.cluster import Cluster
from guestagent.controller.external_source import SOURCE_PASSWORD, ExternalSource
from guestagent.controller.follower import Follower
from guestagent.controller.template.nested_values import (
    find_value,
    has_key,
    read_integer,
    read_string,
)
from guestagent.controller.template.node_values import TemplateMapping
from guestagent.validation import Cursor

FOLLOWERS_KEY = "Followers"
FOLLOWER_KEYS = frozenset({"Name", "Network", "IsClientNetwork"})
FOLLOWER_PASSWORD_PATTERN = re.compile(r"Follower[0-9a-f]{16}Password")


def build_follower_metadata(cluster: Cluster) -> TemplateMapping:
    """Build the part of the cluster's metadata: names and networks, and which of those are for clients, too.

    Neutron refuses a second rule for a network, so the rules alone do not show that.
    """
    entries = [
        {"Name": each.name, "Network": each.network}
        | ({"IsClientNetwork": True} if each.network in cluster.client_networks else {})
        for each in cluster.followers
    ]
    return {FOLLOWERS_KEY: entries} if entries else {}


def list_follower_networks(cluster: Cluster) -> tuple[str, ...]:
    """List the networks that may reach the database port only because a follower is there."""
    networks = dict.fromkeys(follower.network for follower in cluster.followers)
    return tuple(network for network in networks if network not in cluster.client_networks)


def list_shared_passwords(cluster: Cluster) -> dict[str, str]:
    """List the accounts whose passwords another cluster has, too, with the names of their hidden parameters."""
    if isinstance(cluster.source, ExternalSource):
        return {cluster.source.account: SOURCE_PASSWORD}
    return {follower.account: follower.password for follower in cluster.followers}


def read_followers(resources: Cursor, metadata_key: str) -> tuple[tuple[Follower, ...], frozenset[str]]:
    """Read the followers back, and those of their networks that are not for clients."""
    path = ("Begin", metadata_key, "GuestAgentCluster", FOLLOWERS_KEY)
    entries = find_value(resources, *path) if has_key(resources, *path) else None
    followers: list[Follower] = []
    own_networks: set[str] = set()
    for entry in entries.read_items() if entries else ():
        if entry.read_known_keys(FOLLOWER_KEYS) is None:
            continue
        name, network = read_string(entry, "Name"), read_string(entry, "Network")
        if name is not None and network is not None:
            followers.append(Follower(name, network))
            if not has_key(entry, "IsClientNetwork"):
                own_networks.add(network)
    return tuple(followers), frozenset(own_networks)


def read_external_source(server: Cursor, metadata_key: str) -> ExternalSource | None:
    """Read the external source that a replica follows. None: it has none, or follows a node of its cluster."""
    path = (metadata_key, "Master")
    if not has_key(server, *path, "User", "name") or not has_key(server, *path, "Address"):
        return None
    source = find_value(server, *path)
    if source is None or not isinstance(source.value, dict) or isinstance(source.value["Address"], dict):
        return None
    address, account = read_string(source, "Address"), read_string(source, "User", "name")
    port = read_integer(source, "Port")
    return (
        None if address is None or account is None or port is None else ExternalSource(address, account, port)
    )
