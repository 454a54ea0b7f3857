"""For what a creation would fail: one row for each problem, and all of them at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.resources.natives.fake_inventory import build_inventory
from guestagent.resources.natives.fake_project import FakeProject
from guestagent.resources.natives.inventory import (
    UNLIMITED,
    CloudFlavor,
    CloudSubnet,
    CloudVolumeType,
    ProjectInventory,
    QuotaUsage,
)
from guestagent.resources.natives.preflight import find_preflight_problems
from guestagent.resources.orders import CreateCluster
from guestagent.resources.wanted import WantedCluster, WantedVolume
from tests.support.orders import build_order
from tests.unit.resources.clusters import build_wanted
from tests.unit.resources.natives.worlds import World

INVENTORY = build_inventory(FakeProject())
WANTED = build_wanted(1)
SHARED = CloudVolumeType(id="type-2", name="shared", is_multiattach=True)


def want_instances(**changes: Any) -> WantedCluster:
    return replace(WANTED, instances=tuple(replace(each, **changes) for each in WANTED))


def limit(name: str, left: int) -> ProjectInventory:
    """Return the project with so much left of a quota."""
    return replace(INVENTORY, quotas={**INVENTORY.quotas, name: QuotaUsage(10 + left, 10)})


PROBLEMS: dict[str, tuple[WantedCluster, ProjectInventory, str, str]] = {
    "no flavor": (want_instances(flavor="m9"), INVENTORY, "not_found", "there is no flavor m9"),
    "two flavors": (
        WANTED,
        replace(INVENTORY, flavors=(*INVENTORY.flavors, replace(INVENTORY.flavors[0], id="flavor-9"))),
        "invalid",
        "2 flavors are called m1.small: give the id",
    ),
    "no image": (want_instances(image="windows"), INVENTORY, "not_found", "there is no image windows"),
    "an image in the making": (
        WANTED,
        replace(INVENTORY, images=(replace(INVENTORY.images[0], status="queued"),)),
        "refused",
        "image guestagent-mariadb is queued",
    ),
    "a small disk": (
        WANTED,
        replace(INVENTORY, images=(replace(INVENTORY.images[0], min_disk_gib=11),)),
        "refused",
        "flavor m1.small: its disk of 10 GiB is smaller than the 11 GiB that image guestagent-mariadb needs",
    ),
    "a small memory": (
        WANTED,
        replace(INVENTORY, images=(replace(INVENTORY.images[0], min_ram_mib=2048),)),
        "refused",
        "flavor m1.small: its memory of 1024 MiB is less than the 2048 MiB that image guestagent-mariadb needs",
    ),
    "no zone in Nova": (
        want_instances(zone="east"),
        replace(INVENTORY, volume_zones=frozenset({"east"})),
        "not_found",
        "Nova has no zone east; it has: nova",
    ),
    "no zone in Cinder": (
        want_instances(zone="east"),
        replace(INVENTORY, compute_zones=frozenset({"east"})),
        "not_found",
        "Cinder has no zone east; it has: nova",
    ),
    "no volume type": (
        want_instances(volume=WantedVolume(10, "fast")),
        INVENTORY,
        "not_found",
        "there is no volume type fast",
    ),
    "a multiattach type": (
        want_instances(volume=WantedVolume(10, "shared")),
        replace(INVENTORY, volume_types=(*INVENTORY.volume_types, SHARED)),
        "unsupported",
        "volume type shared allows multiattach: two databases could have one volume. Choose another type",
    ),
    "a multiattach default type": (
        WANTED,
        replace(INVENTORY, volume_types=(SHARED,), default_type="type-2"),
        "unsupported",
        "volume type type-2 allows multiattach: two databases could have one volume. Choose another type",
    ),
    "no key pair": (
        replace(WANTED, key_pair="mine"),
        replace(INVENTORY, key_pairs=frozenset({"yours"})),
        "not_found",
        "there is no key pair mine; there are: yours",
    ),
    "no network": (replace(WANTED, network="dmz"), INVENTORY, "not_found", "there is no network dmz"),
    "no subnet": (replace(WANTED, subnet="dmz"), INVENTORY, "not_found", "there is no subnet dmz"),
    "a subnet of another network": (
        replace(WANTED, subnet="other"),
        replace(
            INVENTORY,
            subnets=(*INVENTORY.subnets, CloudSubnet(id="s2", name="other", network_id="network-2")),
        ),
        "refused",
        "subnet other is none of network private",
    ),
    "no addresses": (
        WANTED,
        replace(INVENTORY, addresses={"subnet-1": 1}),
        "no_capacity",
        "network private: 2 free addresses are needed, and there are 1",
    ),
    "no security groups": (
        WANTED,
        replace(INVENTORY, extensions=frozenset()),
        "unsupported",
        "Neutron does not have the extension security-group",
    ),
    "instances": (
        WANTED,
        limit("instances", 1),
        "quota",
        "quota of instances: 2 more are needed, 10 of 11 are used",
    ),
    "cores": (WANTED, limit("cores", 1), "quota", "quota of cores: 2 more are needed, 10 of 11 are used"),
    "memory": (
        WANTED,
        limit("ram_mib", 9),
        "quota",
        "quota of ram_mib: 2048 more are needed, 10 of 19 are used",
    ),
    "volumes": (
        WANTED,
        limit("volumes", 0),
        "quota",
        "quota of volumes: 2 more are needed, 10 of 10 are used",
    ),
    "gigabytes": (
        WANTED,
        limit("gigabytes", 19),
        "quota",
        "quota of gigabytes: 20 more are needed, 10 of 29 are used",
    ),
    "ports": (WANTED, limit("ports", 1), "quota", "quota of ports: 2 more are needed, 10 of 11 are used"),
    "groups": (
        WANTED,
        limit("security_groups", 0),
        "quota",
        "quota of security_groups: 1 more are needed, 10 of 10 are used",
    ),
    "rules": (
        WANTED,
        limit("rules", 4),
        "quota",
        "quota of rules: 5 more are needed (one in spare, for changes), 10 of 14 are used",
    ),
}


def test_a_project_with_room_has_no_problem() -> None:
    assert find_preflight_problems(WANTED, INVENTORY) == ()


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_named(name: str) -> None:
    wanted, inventory, code, message = PROBLEMS[name]

    (finding,) = find_preflight_problems(wanted, inventory)

    assert (str(finding.code), finding.message) == (code, message)


def test_all_problems_are_found_at_once() -> None:
    wanted = replace(want_instances(image="windows"), key_pair="mine", network="dmz")

    findings = find_preflight_problems(wanted, limit("ports", 0))

    assert [str(each.code) for each in findings] == ["not_found", "not_found", "not_found", "quota"]


def test_ids_are_as_good_as_names_and_a_disk_of_the_image_s_size_fits() -> None:
    wanted = replace(want_instances(flavor="flavor-0", image="image-mariadb"), network="network-1")
    boots_any = CloudFlavor(id="flavor-0", name="any", cores=1, ram_mib=512, disk_gib=0)

    assert find_preflight_problems(wanted, replace(INVENTORY, flavors=(boots_any,))) == ()


def test_what_cannot_be_read_is_not_checked() -> None:
    blind = replace(
        INVENTORY, quotas={}, compute_zones=None, volume_zones=None, addresses={}, extensions=None
    )

    assert find_preflight_problems(want_instances(zone="east"), blind) == ()


def test_a_quota_without_a_limit_takes_everything() -> None:
    assert QuotaUsage(UNLIMITED, 10**6).can_take(10**6)
    assert find_preflight_problems(WANTED, replace(INVENTORY, quotas={"cores": QuotaUsage(-1, 7)})) == ()


def test_the_engine_makes_nothing() -> None:
    world = World()
    world.cloud.project.limits.servers = 1

    findings = world.engine.preflight(build_order(CreateCluster, description={"replicas": 1}))

    assert [each.message for each in findings] == ["quota of instances: 2 more are needed, 0 of 1 are used"]
    assert world.cloud.requests == []
