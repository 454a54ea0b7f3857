"""A look before a creation on the embedded cloud: what it reads of Nova, Cinder, Glance and Neutron."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.resources.description import read_description
from guestagent.resources.natives.inventory import ProjectInventory, QuotaUsage, find_named
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.preflight import find_preflight_problems
from guestagent.resources.orders import CreateCluster
from tests.support.orders import DESCRIPTION, build_order
from tests.support.raw_cloud import RawCloud

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def connection(served: Serving) -> Iterator[openstack.connection.Connection]:
    with openstack.connect(**served.connect) as connection:
        yield connection


def find_problems(inventory: ProjectInventory, **changes: object) -> list[tuple[str, str]]:
    order = build_order(CreateCluster, description={**DESCRIPTION, **changes})
    findings = find_preflight_problems(read_description(order), inventory)
    return [(str(each.code), each.message) for each in findings]


def test_a_project_is_read_with_what_is_used(connection: openstack.connection.Connection) -> None:
    cloud, project = RawCloud(connection), OpenStackProject(connection)
    before = project.read_inventory()
    cloud.create_volume(3)
    cloud.have_server("m1.medium")

    after = project.read_inventory()

    used = {name: after.quotas[name].used - quota.used for name, quota in before.quotas.items()}
    assert used == {
        "instances": 1,
        "cores": 2,
        "ram_mib": 512,
        "volumes": 1,
        "gigabytes": 3,
        "ports": 1,
        "security_groups": 0,
        "rules": 0,
    }
    assert [flavor.cores for flavor in find_named(after.flavors, "m1.medium")] == [2]
    assert [each.is_multiattach for each in find_named(after.volume_types, "shared")] == [True]
    assert find_named(after.volume_types, after.default_type or "")[0].name == "standard"
    assert after.compute_zones == after.volume_zones == frozenset({"nova"})
    (subnet,) = after.subnets
    assert after.addresses[subnet.id] == before.addresses[subnet.id] - 1
    assert find_problems(after) == []


def test_what_the_cloud_does_not_have_is_named(connection: openstack.connection.Connection) -> None:
    inventory = OpenStackProject(connection).read_inventory()

    problems = find_problems(
        replace(inventory, quotas={**inventory.quotas, "cores": QuotaUsage(1, 1)}),
        key_pair="mine",
        zone="moon",
        volume={"size_gib": 1, "type": "shared"},
    )

    assert problems == [
        ("not_found", "Nova has no zone moon; it has: nova"),
        ("not_found", "Cinder has no zone moon; it has: nova"),
        (
            "unsupported",
            "volume type shared allows multiattach: two databases could have one volume. Choose another type",
        ),
        ("not_found", "there is no key pair mine; there are: none"),
        ("quota", "quota of cores: 2 more are needed, 1 of 1 are used"),
    ]


def test_nova_refuses_a_server_above_its_quota(
    served: Serving, connection: openstack.connection.Connection
) -> None:
    quota = served.cloud.compute.quota
    former, quota.cores = quota.cores, 0
    try:
        status, body = RawCloud(connection).create_server("m1.medium")
    finally:
        quota.cores = former

    assert status == 403
    assert body["forbidden"]["message"].startswith("Quota exceeded for cores: Requested 2")
