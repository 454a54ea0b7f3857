"""What an order changes of a wanted cluster."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.following import Admission, FollowedSource
from guestagent.resources.order_effects import apply_order
from guestagent.resources.order_shapes import ORDER_TYPES
from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    CreateCluster,
    CreateRules,
    CreateSecurityGroup,
    DeleteCluster,
    DeleteInstance,
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
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from tests.support.orders import build_order
from tests.unit.resources.clusters import (
    CLIENTS,
    MEMBERS,
    apply,
    build_instance,
    build_wanted,
    read_description,
    refuse,
)

NOT_OF_NATIVES = {"clean", "register_cluster", "unregister_cluster"}
OFFICE = ip_network("198.51.100.0/24")
FOLLOWED = FollowedSource(cluster="other", cluster_id="7", key_id="k1", address="10.0.0.5")


def test_a_new_cluster_is_as_described() -> None:
    assert apply(None, CreateCluster, description={"replicas": 2}) == build_wanted(2)


def test_a_deleted_cluster_keeps_its_counters() -> None:
    wanted = apply(build_wanted(2), DeleteCluster, volumes=VolumeFate.KEEP)

    assert (wanted.instances, wanted.groups, wanted.next_replica) == ((), {}, 2)


def test_a_new_replica_has_the_next_number_and_the_source_proves_its_account() -> None:
    added = apply(build_wanted(1), AddInstance, flavor="m2", image="db", volume_gib=20, volume_type="fast")

    assert added.instances[0].generation == 2
    new = added.instances[-1]
    assert (new.name, new.server_id, new.volume.size_gib, new.volume.volume_type) == (
        "Slave0001",
        103,
        20,
        "fast",
    )
    assert (added.next_replica, added.next_server_id) == (2, 104)


def test_the_number_of_a_removed_replica_is_not_used_again() -> None:
    smaller = apply(build_wanted(1), DeleteInstance, instance="Slave0000", volume=VolumeFate.DELETE)

    added = apply(smaller, AddInstance, flavor="m2", image="db", volume_gib=20)

    assert [instance.name for instance in added] == ["Master0000", "Slave0001"]


def test_a_replaced_instance_has_a_new_server_to_prove() -> None:
    replaced = apply(build_wanted(), ReplaceInstance, instance="Slave0000")

    assert replaced.find_instance("Slave0000") == build_instance("Slave0000", epoch=2, generation=2)


def test_a_resized_instance_can_return_to_its_flavor() -> None:
    resized = apply(build_wanted(), ResizeInstance, instance="Slave0000", flavor="m2")

    assert resized.find_instance("Slave0000") == build_instance(
        "Slave0000", flavor="m2", previous_flavor="m1.small", generation=2
    )


def test_a_resize_to_the_same_flavor_changes_nothing() -> None:
    assert apply(build_wanted(), ResizeInstance, instance="Slave0000", flavor="m1.small") == build_wanted()


@pytest.mark.parametrize("order_type", [RenewInstance, MigrateInstance, RestartInstance])
def test_an_instance_proves_itself_again(order_type: type[Order]) -> None:
    renewed = apply(build_wanted(), order_type, instance="Slave0000")

    assert renewed.find_instance("Slave0000") == build_instance("Slave0000", generation=2)


def test_a_volume_grows() -> None:
    grown = apply(build_wanted(), ResizeVolume, instance="Slave0000", size_gib=11)

    assert [instance.volume.size_gib for instance in grown] == [10, 11]


def test_a_follower_gets_a_rule_and_the_source_proves_its_account() -> None:
    before = build_wanted(key_id="k7")

    wanted = apply(before, AdmitFollower, follower="reports", follower_network=OFFICE)

    assert wanted.admissions == (Admission("reports", "198.51.100.0/24", "k7"),)
    assert wanted.list_rules("database") == {CLIENTS, MEMBERS, build_rule(OFFICE, port_min=3306)}
    assert [each.generation for each in wanted] == [2, 1]


def test_a_revoked_follower_leaves_nothing_behind() -> None:
    admitted = apply(build_wanted(), AdmitFollower, follower="reports", follower_network=OFFICE)

    wanted = apply(admitted, RevokeFollower, follower="reports")

    assert wanted == build_wanted(instances=admitted.instances)


def test_a_replica_of_a_follower_has_neither_a_seed_nor_a_source_of_its_own() -> None:
    replica = build_instance("Slave0000")
    follower = build_wanted(instances=(replica,), next_replica=1, followed=FOLLOWED)

    wanted = apply(follower, AddInstance, flavor="m1", image="db", volume_gib=1)

    assert wanted.instances[0] == replica
    assert [(each.name, each.seed, each.generation) for each in wanted] == [
        ("Slave0000", None, 1),
        ("Slave0001", None, 1),
    ]


def test_a_follower_has_no_source_that_could_be_followed_and_keeps_one_replica() -> None:
    follower = build_wanted(instances=(build_instance("Slave0000"),), followed=FOLLOWED)

    assert refuse(follower, AdmitFollower, follower="reports", follower_network=OFFICE) == (
        "refused",
        "cluster shop follows another one: it has no source to be followed",
    )
    assert refuse(follower, DeleteInstance, instance="Slave0000", volume=VolumeFate.KEEP) == (
        "refused",
        "Slave0000 is the last replica of shop: it can only be deleted with its cluster",
    )


@pytest.mark.parametrize(
    ("order_type", "values", "code", "message"),
    [
        (CreateCluster, {}, "exists", "cluster shop exists"),
        (
            DeleteInstance,
            {"instance": "Master0000", "volume": VolumeFate.KEEP},
            "refused",
            "Master0000 is the source of shop: it can only be deleted with its cluster",
        ),
        (
            ResizeInstance,
            {"instance": "Slave0009", "flavor": "m2"},
            "not_found",
            "cluster shop has no instance Slave0009; it has: Master0000, Slave0000",
        ),
        (
            ResizeVolume,
            {"instance": "Slave0000", "size_gib": 9},
            "invalid",
            "the order is invalid; size_gib: expected at least 10, the present size, found 9 (a volume never shrinks)",
        ),
        (
            AdmitFollower,
            {"follower": "shop", "follower_network": OFFICE},
            "invalid",
            "the order is invalid; follower: expected another cluster, found shop",
        ),
        (
            AdmitFollower,
            {"follower": "reports", "follower_network": ip_network("2001:db8::/64")},
            "invalid",
            "the order is invalid; follower_network: expected a network of IPv4 in a cluster without ipv6, "
            "found 2001:db8::/64",
        ),
        (
            RevokeFollower,
            {"follower": "reports"},
            "not_found",
            "cluster shop has not admitted reports; it has admitted: none",
        ),
        (CreateSecurityGroup, {"group": "database"}, "exists", "cluster shop has a security group database"),
        (
            DeleteSecurityGroup,
            {"group": "database"},
            "refused",
            "group database can only be deleted with its cluster",
        ),
        (
            CreateRules,
            {"group": "office", "rules": (CLIENTS,)},
            "not_found",
            "cluster shop has no security group office; it has: database",
        ),
        (
            UpdateRuleCidr,
            {"group": "database", "rule": build_rule(OFFICE, port_min=3306), "network": OFFICE},
            "not_found",
            "group database has no rule ingress/IPv4/tcp/3306-3306/198.51.100.0/24; it has: "
            "ingress/IPv4/tcp/3306-3306/192.0.2.0/24, ingress/IPv4/tcp/3306-3306/group",
        ),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    order_type: type[Order], values: dict[str, Any], code: str, message: str
) -> None:
    assert refuse(build_wanted(), order_type, **values) == (code, message)


@pytest.mark.parametrize("kind", sorted(ORDER_TYPES.keys() - NOT_OF_NATIVES - {"create_cluster"}))
def test_a_cluster_that_does_not_exist_has_nothing_to_change(kind: str) -> None:
    order = object.__new__(ORDER_TYPES[kind])
    object.__setattr__(order, "cluster", "shop")

    with pytest.raises(OrderRefused, match="there is no cluster shop"):
        apply_order(None, order, read_description)


def test_a_cluster_that_is_being_deleted_can_only_be_deleted_again() -> None:
    deleted = apply(build_wanted(), DeleteCluster, volumes=VolumeFate.KEEP)

    assert refuse(deleted, CreateSecurityGroup, group="monitoring")[0] == "refused"
    assert refuse(deleted, CreateCluster, description={})[0] == "busy"
    assert apply(deleted, DeleteCluster, volumes=VolumeFate.DELETE) == deleted


def test_a_cluster_that_is_being_deleted_gets_no_replica() -> None:
    deleted = apply(build_wanted(), DeleteCluster, volumes=VolumeFate.KEEP)

    code, _ = refuse(deleted, AddInstance, flavor="m1", image="db", volume_gib=1)

    assert code == "refused"


def test_a_rotation_has_to_wait_for_a_replica_that_joins() -> None:
    joining = apply(build_wanted(), AddInstance, flavor="m1", image="db", volume_gib=1)

    assert refuse(joining, RotatePasswords) == (
        "refused",
        "Slave0001 of shop has not joined yet: renew or delete it first",
    )


def test_a_rotation_gives_every_replica_another_password_and_all_nodes_another_generation() -> None:
    rotated = apply_order(build_wanted(2, key_id="k1"), build_order(RotatePasswords), read_description, "k2")

    assert [(each.generation, each.password_number) for each in rotated] == [(2, 1), (2, 2), (2, 2)]
    assert (rotated.key_id, rotated.previous_keys, rotated.is_rotating) == ("k2", ("k1",), True)


def test_a_rotation_without_another_key_needs_no_previous_one() -> None:
    rotated = apply_order(build_wanted(key_id="k1"), build_order(RotatePasswords), read_description, "k1")

    assert (rotated.key_id, rotated.previous_keys) == ("k1", ())
