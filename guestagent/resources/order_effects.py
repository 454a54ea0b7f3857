"""What an order changes of a wanted cluster. Pure.

The same function serves twice: a new order is tried on the cluster as it will be after those that wait, and its effect
is computed again when it is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from guestagent.errors import OrderRefused
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    CreateRules,
    CreateSecurityGroup,
    DeleteCluster,
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
    UpdateRuleCidr,
)
from guestagent.resources.rule import Rule
from guestagent.resources.wanted import DATABASE_GROUP, WantedCluster, WantedInstance, WantedVolume

ReadDescription = Callable[[CreateCluster], WantedCluster]


def apply_order(
    wanted: WantedCluster | None, order: Order, read_description: ReadDescription
) -> WantedCluster:
    """Return the cluster as the order wants it. Raise OrderRefused if the order makes no sense for the cluster.

    `wanted` is None for a cluster that does not exist. `read_description` builds a new one.
    """
    if isinstance(order, CreateCluster):
        if wanted is not None:
            raise OrderRefused(RefusalCode.EXISTS, f"cluster {order.cluster} exists")
        return read_description(order)
    if wanted is None:
        raise OrderRefused(RefusalCode.NOT_FOUND, f"there is no cluster {order.cluster}")
    return _EFFECTS[type(order)](wanted, order)


def apply_orders(
    wanted: WantedCluster | None, orders: Iterable[Order], read_description: ReadDescription
) -> WantedCluster | None:
    """Return the cluster after all these orders. Those that will be refused change nothing."""
    for order in orders:
        try:
            wanted = apply_order(wanted, order, read_description)
        except OrderRefused:
            continue
    return wanted


def _delete_cluster(wanted: WantedCluster, order: DeleteCluster) -> WantedCluster:
    return replace(wanted, instances=(), groups={})


def _add_instance(wanted: WantedCluster, order: AddInstance) -> WantedCluster:
    """Add a replica. The source has to prove the new account, so it gets a new generation."""
    source = next((instance for instance in wanted if instance.is_source), None)
    if source is None:
        raise OrderRefused(RefusalCode.REFUSED, f"cluster {order.cluster} is being deleted")
    replica = WantedInstance(
        name=f"Slave{wanted.next_replica:04d}",
        flavor=order.flavor,
        image=order.image,
        volume=WantedVolume(order.volume_gib, order.volume_type),
        server_id=wanted.next_server_id,
        zone=order.zone,
        deadline_s=source.deadline_s,
    )
    return replace(
        wanted.replace_instance(source.renewed()),
        instances=(*wanted.replace_instance(source.renewed()).instances, replica),
        next_server_id=wanted.next_server_id + 1,
        next_replica=wanted.next_replica + 1,
    )


def _delete_instance(wanted: WantedCluster, order: DeleteInstance) -> WantedCluster:
    instance = _require_instance(wanted, order.instance)
    if instance.is_source:
        raise OrderRefused(
            RefusalCode.REFUSED,
            f"{instance.name} is the source of {wanted.name}: it can only be deleted with its cluster",
        )
    return replace(wanted, instances=tuple(each for each in wanted if each.name != instance.name))


def _replace_instance(wanted: WantedCluster, order: ReplaceInstance) -> WantedCluster:
    instance = _require_instance(wanted, order.instance)
    return wanted.replace_instance(replace(instance.renewed(), epoch=instance.epoch + 1))


def _resize_instance(wanted: WantedCluster, order: ResizeInstance) -> WantedCluster:
    """Resize to another flavor. For the one that it has there is nothing to do, and nothing to prove."""
    instance = _require_instance(wanted, order.instance)
    if instance.flavor == order.flavor:
        return wanted
    resized = replace(instance.renewed(), flavor=order.flavor, previous_flavor=instance.flavor)
    return wanted.replace_instance(resized)


def _renew_instance(
    wanted: WantedCluster, order: RenewInstance | MigrateInstance | RestartInstance
) -> WantedCluster:
    return wanted.replace_instance(_require_instance(wanted, order.instance).renewed())


def _resize_volume(wanted: WantedCluster, order: ResizeVolume) -> WantedCluster:
    instance = _require_instance(wanted, order.instance)
    if order.size_gib < instance.volume.size_gib:
        raise OrderRefused(
            RefusalCode.INVALID,
            f"size_gib: expected at least {instance.volume.size_gib}, the present size, found {order.size_gib}: "
            f"a volume never shrinks",
        )
    volume = replace(instance.volume, size_gib=order.size_gib)
    return wanted.replace_instance(replace(instance, volume=volume))


def _create_group(wanted: WantedCluster, order: CreateSecurityGroup) -> WantedCluster:
    if order.group in wanted.groups:
        raise OrderRefused(RefusalCode.EXISTS, f"cluster {wanted.name} has a security group {order.group}")
    return _set_rules(wanted, order.group, frozenset(order.rules))


def _delete_group(wanted: WantedCluster, order: DeleteSecurityGroup) -> WantedCluster:
    _require_group(wanted, order.group)
    if order.group == DATABASE_GROUP:
        raise OrderRefused(
            RefusalCode.REFUSED, f"group {DATABASE_GROUP} can only be deleted with its cluster"
        )
    return replace(
        wanted, groups={name: rules for name, rules in wanted.groups.items() if name != order.group}
    )


def _create_rules(wanted: WantedCluster, order: CreateRules) -> WantedCluster:
    return _set_rules(wanted, order.group, _require_group(wanted, order.group) | frozenset(order.rules))


def _delete_rules(wanted: WantedCluster, order: DeleteRules) -> WantedCluster:
    rules = _require_group(wanted, order.group)
    for rule in order.rules:
        _require_rule(order.group, rules, rule)
    return _set_rules(wanted, order.group, rules - frozenset(order.rules))


def _update_rule_cidr(wanted: WantedCluster, order: UpdateRuleCidr) -> WantedCluster:
    rules = _require_group(wanted, order.group)
    _require_rule(order.group, rules, order.rule)
    return _set_rules(wanted, order.group, rules - {order.rule} | {order.rule.with_network(order.network)})


def _set_rules(wanted: WantedCluster, group: str, rules: frozenset[Rule]) -> WantedCluster:
    return replace(wanted, groups={**wanted.groups, group: rules})


def _require_instance(wanted: WantedCluster, name: str) -> WantedInstance:
    instance = wanted.find_instance(name)
    if instance is None:
        names = ", ".join(each.name for each in wanted) or "none"
        raise OrderRefused(
            RefusalCode.NOT_FOUND, f"cluster {wanted.name} has no instance {name}; it has: {names}"
        )
    return instance


def _require_group(wanted: WantedCluster, name: str) -> frozenset[Rule]:
    if name not in wanted.groups:
        names = ", ".join(sorted(wanted.groups)) or "none"
        raise OrderRefused(
            RefusalCode.NOT_FOUND, f"cluster {wanted.name} has no security group {name}; it has: {names}"
        )
    return wanted.groups[name]


def _require_rule(group: str, rules: frozenset[Rule], rule: Rule) -> None:
    if rule not in rules:
        keys = ", ".join(sorted(each.key for each in rules)) or "none"
        raise OrderRefused(RefusalCode.NOT_FOUND, f"group {group} has no rule {rule.key}; it has: {keys}")


_EFFECTS: Mapping[type[Order], Callable[[WantedCluster, Any], WantedCluster]] = {
    DeleteCluster: _delete_cluster,
    AddInstance: _add_instance,
    DeleteInstance: _delete_instance,
    ReplaceInstance: _replace_instance,
    ResizeInstance: _resize_instance,
    MigrateInstance: _renew_instance,
    RestartInstance: _renew_instance,
    ResizeVolume: _resize_volume,
    CreateSecurityGroup: _create_group,
    DeleteSecurityGroup: _delete_group,
    CreateRules: _create_rules,
    DeleteRules: _delete_rules,
    UpdateRuleCidr: _update_rule_cidr,
    RenewInstance: _renew_instance,
}
