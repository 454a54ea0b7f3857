"""What an order changes of the security groups that a stack has beside that of the database. Pure.

The next update follows from what the template says, so another worker goes on where one was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from guestagent.controller.cluster import Cluster
from guestagent.controller.extra_group import ExtraGroup, find_group, remove_group, set_rules
from guestagent.controller.group_rule import Rule
from guestagent.errors import InvalidCluster, OrderRefused
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.client_rules import CLIENT_GROUP
from guestagent.resources.orders import (
    CreateRules,
    CreateSecurityGroup,
    DeleteRules,
    DeleteSecurityGroup,
    UpdateRuleCidr,
)

GroupOrder = CreateSecurityGroup | DeleteSecurityGroup | CreateRules | DeleteRules | UpdateRuleCidr
RuleOrder = CreateRules | DeleteRules | UpdateRuleCidr


def choose_group_update(
    order: GroupOrder, cluster: Cluster, number: int
) -> Callable[[Cluster], Cluster] | None:
    """Return the change of the order's update of this number; None: the order needs no more.

    Raise OrderRefused if the order makes no sense for the cluster, or if its stack can have no such groups.
    """
    groups = _choose_groups(order, cluster, is_first=number == 1)
    if groups == cluster.extra_groups:
        return None
    try:
        replace(cluster, extra_groups=groups)
    except InvalidCluster as error:
        raise OrderRefused(RefusalCode.UNSUPPORTED, str(error)) from error
    return lambda before: replace(before, extra_groups=groups)


def _choose_groups(order: GroupOrder, cluster: Cluster, is_first: bool) -> tuple[ExtraGroup, ...]:
    """Return the groups after the update. What the order removes has to be there before its first update only."""
    groups, group = cluster.extra_groups, find_group(cluster.extra_groups, order.group)
    if isinstance(order, CreateSecurityGroup):
        if group is not None and is_first:
            message = f"cluster {order.cluster} has a security group {order.group}"
            raise OrderRefused(RefusalCode.EXISTS, message)
        return set_rules(groups, order.group, order.rules)
    if group is None and not (isinstance(order, DeleteSecurityGroup) and not is_first):
        names = ", ".join([CLIENT_GROUP, *(each.name for each in groups)])
        raise OrderRefused(
            RefusalCode.NOT_FOUND,
            f"cluster {order.cluster} has no security group {order.group}; it has: {names}",
        )
    if isinstance(order, DeleteSecurityGroup):
        return remove_group(groups, order.group)
    assert group is not None
    return set_rules(groups, order.group, _choose_rules(order, group, is_first))


def _choose_rules(order: RuleOrder, group: ExtraGroup, is_first: bool) -> Iterable[Rule]:
    """Return the rules after the update. A rule with another network is there before the old one goes."""
    rules = set(group.rules)
    if isinstance(order, CreateRules):
        return rules | set(order.rules)
    if isinstance(order, DeleteRules):
        if is_first:
            _require_rules(group, order.rules)
        return rules - set(order.rules)
    new = order.rule.with_network(order.network)
    if is_first and new not in rules:
        _require_rules(group, (order.rule,))
    if new not in rules:
        return rules | {new}
    return rules if new == order.rule else rules - {order.rule}


def _require_rules(group: ExtraGroup, rules: Iterable[Rule]) -> None:
    keys = ", ".join(rule.key for rule in group.rules) or "none"
    for rule in rules:
        if rule not in group.rules:
            message = f"group {group.name} has no rule {rule.key}; it has: {keys}"
            raise OrderRefused(RefusalCode.NOT_FOUND, message)
