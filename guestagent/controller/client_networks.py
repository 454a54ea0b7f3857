"""The way of a cluster to other client networks, one update of its stack after another. Pure.

What is allowed before and after is allowed all the time. What comes is allowed before anything else goes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from guestagent.controller.cluster import Cluster
from guestagent.controller.database_group import DatabaseGroup, FormerGroup
from guestagent.controller.dialect import Dialect
from guestagent.errors import InvalidCluster, Problem


def approach_client_networks(cluster: Cluster, networks: Sequence[str]) -> Cluster:
    """Return the cluster of the next update on the way to these client networks; the cluster itself at its end.

    Raise InvalidCluster if the stack cannot change them: it is in CFN, or a rule that has to go is a part of the group
    and Nova has made the ports.
    """
    added = [each for each in networks if each not in cluster.client_networks]
    removed = {each for each in cluster.client_networks if each not in networks}
    if (added or removed) and cluster.dialect is Dialect.CFN:
        do = "in CFN Heat removes all rules of a group to change one: create the cluster anew in hot"
        raise InvalidCluster([Problem("client_networks", "no change in CFN", "one", do)])
    is_leaving = bool(removed & {*cluster.group.inline_networks}) and cluster.former_group is None
    if added or is_leaving:
        wider = replace(cluster, client_networks=(*cluster.client_networks, *added)) if added else cluster
        return _begin_move(wider, cluster, removed) if is_leaving else wider
    if removed or cluster.former_group is not None:
        kept = tuple(each for each in cluster.client_networks if each not in removed)
        return replace(cluster, client_networks=kept, former_group=None)
    return cluster


def allow_networks(cluster: Cluster, networks: Sequence[str]) -> tuple[str, ...]:
    """Return the client networks with these ones, in this order."""
    return tuple(dict.fromkeys((*cluster.client_networks, *networks)))


def disallow_networks(cluster: Cluster, networks: Sequence[str]) -> tuple[str, ...]:
    """Return the client networks without these ones. Raise InvalidCluster if one of them is not there."""
    _require_networks(cluster, [each for each in networks if each not in cluster.client_networks])
    return tuple(each for each in cluster.client_networks if each not in networks)


def replace_network(cluster: Cluster, old: str, new: str) -> tuple[str, ...]:
    """Return the client networks with the new one in place of the old one. Raise InvalidCluster if both are missing."""
    if new not in cluster.client_networks:
        _require_networks(cluster, [] if old in cluster.client_networks else [old])
    return tuple(each for each in allow_networks(cluster, [new]) if each != old or old == new)


def _begin_move(wider: Cluster, cluster: Cluster, removed: Collection[str]) -> Cluster:
    """Give the nodes a second group, with a resource for each rule. They keep the first one until the next update."""
    if cluster.network is None:
        inline = ", ".join(each for each in cluster.group.inline_networks if each in removed)
        do = "Nova made the ports of these nodes, and Heat cannot give those another group"
        raise InvalidCluster(
            [Problem("client_networks", f"{inline}, a part of the security group", "none", do)]
        )
    former = FormerGroup(cluster.group, cluster.client_networks)
    return replace(wider, group=DatabaseGroup(cluster.group.number + 1), former_group=former)


def _require_networks(cluster: Cluster, missing: Sequence[str]) -> None:
    if missing:
        present = ", ".join(cluster.client_networks) or "none: there is none"
        raise InvalidCluster(
            [Problem("network", f"one of the client networks, {present}", each) for each in missing]
        )
