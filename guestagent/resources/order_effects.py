"""What an order changes of a wanted cluster. Pure.

The same function serves twice: a new order is tried on the cluster as it will be after those that wait, and its effect
is computed again when it is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from guestagent.errors import OrderRefused, Problem
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.resources.following import add_admission, remove_admission
from guestagent.resources.instance_seed import begin_seed
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    Clean,
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
    RevokeFollower,
    RotatePasswords,
    UpdateRuleCidr,
)
from guestagent.resources.rule import Rule, build_rule
from guestagent.resources.views import find_engine_names
from guestagent.resources.wanted import (
    DATABASE_GROUP,
    REPLICA_PREFIX,
    WantedCluster,
    WantedInstance,
    WantedVolume,
)

ReadDescription = Callable[[CreateCluster], WantedCluster]


def apply_order(
    wanted: WantedCluster | None, order: Order, read_description: ReadDescription, newest_key: str = ""
) -> WantedCluster:
    """Return the cluster as the order wants it. Raise OrderRefused if the order makes no sense for the cluster.

    `wanted` is None for a cluster that does not exist. `read_description` builds a new one. New passwords are derived
    from `newest_key`.
    """
    if isinstance(order, CreateCluster):
        if wanted is not None and is_being_deleted(wanted):
            raise OrderRefused(
                RefusalCode.BUSY, f"cluster {order.cluster} is being deleted: try again afterwards"
            )
        if wanted is not None:
            raise OrderRefused(RefusalCode.EXISTS, f"cluster {order.cluster} exists")
        return read_description(order)
    if wanted is None:
        raise OrderRefused(RefusalCode.NOT_FOUND, f"there is no cluster {order.cluster}")
    if is_being_deleted(wanted) and not isinstance(order, DeleteCluster):
        raise OrderRefused(RefusalCode.REFUSED, f"cluster {order.cluster} is being deleted")
    if isinstance(order, RotatePasswords):
        return _rotate_passwords(wanted, newest_key)
    return _EFFECTS[type(order)](wanted, order)


def is_being_deleted(wanted: WantedCluster) -> bool:
    """Return whether an order has deleted the cluster: its row stays until everything of it is gone."""
    return not wanted.instances


def check_findings(order: Clean, engine: str) -> None:
    """Raise OrderRefused if an order to clean names findings of another engine. It changes nothing that is wanted."""
    foreign = [each for each in order.findings if find_engine_names([each]) != {engine}]
    problems = [Problem("findings", f"ids from an audit of {engine}", each) for each in foreign]
    if problems:
        raise OrderRefused(RefusalCode.INVALID, f"engine {engine} has not made these findings", problems)


def _delete_cluster(wanted: WantedCluster, order: DeleteCluster) -> WantedCluster:
    return replace(wanted, instances=(), groups={})


def _add_instance(wanted: WantedCluster, order: AddInstance) -> WantedCluster:
    """Add a replica. The source has to prove the new account, so it gets a new generation.

    A source that is followed has an account for all replicas of its follower already.
    """
    source, first = wanted.source, wanted.instances[0]
    replica = WantedInstance(
        name=f"{REPLICA_PREFIX}{wanted.next_replica:04d}",
        flavor=order.flavor,
        image=order.image,
        volume=WantedVolume(order.volume_gib, order.volume_type),
        server_id=wanted.next_server_id,
        zone=order.zone,
        deadline_s=first.deadline_s,
    )
    before = wanted if source is None else wanted.replace_instance(source.renewed())
    return replace(
        wanted,
        instances=(*before.instances, begin_seed(wanted, replica)),
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
    if len(wanted.instances) == 1:
        raise OrderRefused(
            RefusalCode.REFUSED,
            f"{instance.name} is the last replica of {wanted.name}: it can only be deleted with its cluster",
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


def _rotate_passwords(wanted: WantedCluster, newest_key: str) -> WantedCluster:
    if wanted.source is None:
        message = (
            f"{wanted.name} follows another cluster, whose source has its accounts: it cannot change them"
        )
        raise OrderRefused(RefusalCode.REFUSED, message)
    joining = [each.name for each in wanted if each.seed is not None]
    if joining:
        message = f"{', '.join(joining)} of {wanted.name} has not joined yet: renew or delete it first"
        raise OrderRefused(RefusalCode.REFUSED, message)
    return wanted.rotate(newest_key)


def _resize_volume(wanted: WantedCluster, order: ResizeVolume) -> WantedCluster:
    instance = _require_instance(wanted, order.instance)
    if order.size_gib < instance.volume.size_gib:
        expected = f"at least {instance.volume.size_gib}, the present size"
        problem = Problem("size_gib", expected, str(order.size_gib), "a volume never shrinks")
        raise OrderRefused(RefusalCode.INVALID, "the order is invalid", [problem])
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
        _require_no_replication(wanted, order.group, rule)
    return _set_rules(wanted, order.group, rules - frozenset(order.rules))


def _update_rule_cidr(wanted: WantedCluster, order: UpdateRuleCidr) -> WantedCluster:
    rules = _require_group(wanted, order.group)
    _require_rule(order.group, rules, order.rule)
    _require_no_replication(wanted, order.group, order.rule)
    return _set_rules(wanted, order.group, rules - {order.rule} | {order.rule.with_network(order.network)})


def _admit_follower(wanted: WantedCluster, order: AdmitFollower) -> WantedCluster:
    """Add an account and a rule. The source has to prove the account, so it gets a new generation."""
    source = wanted.source
    if source is None:
        raise OrderRefused(
            RefusalCode.REFUSED, f"cluster {wanted.name} follows another one: it has no source to be followed"
        )
    if order.follower_network.version == 6 and not wanted.settings.get("ipv6"):
        expected = "a network of IPv4 in a cluster without ipv6"
        problem = Problem("follower_network", expected, str(order.follower_network))
        raise OrderRefused(RefusalCode.INVALID, "the order is invalid", [problem])
    admissions = add_admission(wanted.admissions, order, wanted.key_id)
    return replace(wanted.replace_instance(source.renewed()), admissions=admissions)


def _revoke_follower(wanted: WantedCluster, order: RevokeFollower) -> WantedCluster:
    return replace(wanted, admissions=remove_admission(wanted.admissions, order))


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


def _require_no_replication(wanted: WantedCluster, group: str, rule: Rule) -> None:
    """Refuse to take away the rule by which replicas reach their source."""
    if group == DATABASE_GROUP and replace(rule, ethertype="IPv4") == build_rule(None, port_min=DEFAULT_PORT):
        raise OrderRefused(
            RefusalCode.REFUSED,
            f"replicas of {wanted.name} reach their source by rule {rule.key}: it can only be deleted with its cluster",
        )


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
    AdmitFollower: _admit_follower,
    RevokeFollower: _revoke_follower,
}
