"""What each update of an order changes of a cluster. Pure.

The next update follows from what the template says, so another worker goes on where one was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guestagent.controller.client_networks import (
    allow_networks,
    approach_client_networks,
    disallow_networks,
    replace_network,
)
from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.errors import InvalidCluster, OrderRefused
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.client_rules import CLIENT_GROUP, list_networks
from guestagent.resources.orchestrator.group_updates import choose_group_update
from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    CreateRules,
    CreateSecurityGroup,
    DeleteInstance,
    DeleteRules,
    DeleteSecurityGroup,
    MigrateInstance,
    Order,
    RenewInstance,
    ReplaceInstance,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    RevokeFollower,
    UpdateRuleCidr,
    VolumeFate,
)

PROVING_UPDATE = 2
"""Of a resize: the node proves itself with its new flavor."""
FIRST_REVERTING_UPDATE, LAST_REVERTING_UPDATE = 3, 4
"""Of a resize whose node has not proved itself: the old flavor, and another proof."""
ChangeCluster = Callable[[Cluster], Cluster]


def choose_update(
    order: Order, cluster: Cluster, number: int, is_failed: bool = False, previous_flavor: str = ""
) -> ChangeCluster | None:
    """Return the change of the order's update of this number; None: the order needs no more.

    `cluster` is the stack's before the update, and `is_failed` tells that its last update has failed. A resize that
    goes back does so to `previous_flavor`. Raise OrderRefused if the order makes no sense for the cluster.
    """
    match order:
        case CreateSecurityGroup() | DeleteSecurityGroup():
            return choose_group_update(order, cluster, number)
        case CreateRules() | DeleteRules() | UpdateRuleCidr() if order.group != CLIENT_GROUP:
            return choose_group_update(order, cluster, number)
        case CreateRules() | DeleteRules() | UpdateRuleCidr():
            return _choose_rule_update(order, cluster, number)
        case ResizeInstance():
            return _choose_resize_update(order, cluster, number, is_failed, previous_flavor)
        case DeleteInstance():
            return _choose_removal_update(order, cluster, number)
        case AdmitFollower():
            return _choose_admission(order, cluster, number)
        case MigrateInstance():
            return lambda before: before.renew(order.instance)
        case _ if number > 1:
            return None
        case AddInstance():
            volume = StackVolume(order.volume_gib, order.volume_type)
            return lambda before: before.add_replica(
                Node(order.flavor, order.image, volume=volume, zone=order.zone)
            )
        case ResizeVolume():
            _require_node(order.cluster, cluster, order.instance)
            return lambda before: before.resize_volume(order.instance, order.size_gib)
        case RenewInstance() | RestartInstance() | ReplaceInstance():
            _require_node(order.cluster, cluster, order.instance)
            return lambda before: before.renew(order.instance)
        case RevokeFollower():
            return (lambda before: before.revoke(order.follower)) if has_follower(cluster, order) else None
    raise AssertionError(f"no update carries out {order.kind}")


def has_follower(cluster: Cluster, order: AdmitFollower | RevokeFollower) -> bool:
    """Return whether the template has the follower of the order."""
    return any(each.name == order.follower for each in cluster.followers)


def _choose_admission(order: AdmitFollower, cluster: Cluster, number: int) -> ChangeCluster | None:
    """Admit the follower. One that the command line has admitted has another password: it is revoked first."""
    if has_follower(cluster, order):
        return (lambda before: before.revoke(order.follower)) if number == 1 else None
    return lambda before: before.admit(order.follower, str(order.follower_network))


def _choose_resize_update(
    order: ResizeInstance, cluster: Cluster, number: int, is_failed: bool, previous_flavor: str
) -> ChangeCluster | None:
    """Resize in the first update, and let the node prove itself in the second; the third and fourth go back.

    Heat delivers metadata before it resizes. A node that has the flavor in a stack that has not failed is left alone.
    """
    node = _require_node(order.cluster, cluster, order.instance)
    if number == 1 and (is_failed or node.flavor != order.flavor):
        return lambda before: before.resize(order.instance, order.flavor)
    if number == FIRST_REVERTING_UPDATE:
        return lambda before: before.resize(order.instance, previous_flavor)
    if number in {PROVING_UPDATE, LAST_REVERTING_UPDATE}:
        return lambda before: before.renew(order.instance)
    return None


def _choose_removal_update(order: DeleteInstance, cluster: Cluster, number: int) -> ChangeCluster | None:
    """Remove the replica. If its volume would go with it and has to stay, the template says so first."""
    if number > 1 and all(each.name != order.instance for each in cluster):
        return None
    node = _require_node(order.cluster, cluster, order.instance)
    if node is cluster.source:
        raise OrderRefused(
            RefusalCode.REFUSED,
            f"{order.instance} is the source of {order.cluster}: it can only be deleted with its cluster",
        )
    if order.volume is VolumeFate.KEEP and isinstance(node.volume, StackVolume) and not node.volume.is_kept:
        return lambda before: before.keep_volumes(order.instance)
    return lambda before: before.remove_replica(order.instance)


def _choose_rule_update(
    order: CreateRules | DeleteRules | UpdateRuleCidr, cluster: Cluster, number: int
) -> ChangeCluster | None:
    """Approach the client networks that the order wants. What comes is allowed before anything goes."""
    try:
        networks = _choose_networks(order, cluster, is_first=number == 1)
    except InvalidCluster as error:
        raise OrderRefused(RefusalCode.NOT_FOUND, str(error)) from error
    try:
        is_there = approach_client_networks(cluster, networks) == cluster
    except InvalidCluster as error:
        raise OrderRefused(RefusalCode.UNSUPPORTED, str(error)) from error
    return None if is_there else lambda before: approach_client_networks(before, networks)


def _choose_networks(
    order: CreateRules | DeleteRules | UpdateRuleCidr, cluster: Cluster, is_first: bool
) -> Sequence[str]:
    """Return the client networks after the order. What it removes has to be there before its first update only."""
    if isinstance(order, CreateRules):
        return allow_networks(cluster, list_networks(order.rules))
    if isinstance(order, UpdateRuleCidr):
        return replace_network(cluster, str(order.rule.network), str(order.network))
    networks = list_networks(order.rules)
    if is_first:
        return disallow_networks(cluster, networks)
    return [each for each in cluster.client_networks if each not in networks]


def _require_node(name: str, cluster: Cluster, instance: str) -> Node:
    node = next((each for each in cluster if each.name == instance), None)
    if node is None:
        names = ", ".join(each.name for each in cluster)
        raise OrderRefused(
            RefusalCode.NOT_FOUND, f"cluster {name} has no instance {instance}; it has: {names}"
        )
    return node
