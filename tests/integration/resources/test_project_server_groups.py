"""Server groups of the embedded Nova as the real one has them, and as NATIVES uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.embedded.openstack.glance.images import IMAGES
from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.requests import CreateServerGroup, DeleteServerGroup
from guestagent.resources.operation import RefusalCode
from tests.support.raw_cloud import RawCloud

UNKNOWN_ID = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture
def cloud(served: Serving) -> Iterator[RawCloud]:
    with openstack.connect(**served.connect) as connection:
        yield RawCloud(connection)


@pytest.fixture
def project(served: Serving) -> Iterator[OpenStackProject]:
    with openstack.connect(**served.connect) as connection:
        yield OpenStackProject(connection)


def create_group(cloud: RawCloud, policy: str) -> str:
    body = {"server_group": {"name": "shop", "policy": policy}}
    status, answer = cloud.ask("compute", "POST", "/os-server-groups", body)
    assert status == 200, answer
    return str(answer["server_group"]["id"])


def create_server(cloud: RawCloud, group_id: str) -> tuple[int, Any]:
    _, flavors = cloud.ask("compute", "GET", "/flavors")
    flavor_id = next(each["id"] for each in flavors["flavors"] if each["name"] == "m1.tiny")
    server = {"name": "db", "flavorRef": flavor_id, "imageRef": IMAGES[0].id, "networks": "auto"}
    return cloud.ask(
        "compute", "POST", "/servers", {"server": server, "os:scheduler_hints": {"group": group_id}}
    )


def fill_group(cloud: RawCloud, group_id: str, count: int = 3) -> list[dict[str, Any]]:
    """Create servers of a group, and return them when each is ACTIVE or in ERROR."""
    servers = []
    for _ in range(count):
        status, answer = create_server(cloud, group_id)
        assert status == 202, answer
        cloud.await_server(answer["server"]["id"], "ACTIVE", "ERROR")
        servers.append(cloud.get_server(answer["server"]["id"]))
    return servers


@pytest.mark.parametrize(("policy", "third"), [("soft-anti-affinity", "ACTIVE"), ("anti-affinity", "ERROR")])
def test_a_group_spreads_its_servers_over_two_hosts(cloud: RawCloud, policy: str, third: str) -> None:
    servers = fill_group(cloud, create_group(cloud, policy))

    assert [server["status"] for server in servers] == ["ACTIVE", "ACTIVE", third]
    assert len({server["hostId"] for server in servers if server["status"] == "ACTIVE"}) == 2


def test_a_group_lists_its_members_and_is_deleted_with_them(cloud: RawCloud) -> None:
    group_id = create_group(cloud, "soft-anti-affinity")
    servers = fill_group(cloud, group_id)

    _, shown = cloud.ask("compute", "GET", f"/os-server-groups/{group_id}")
    deleted = cloud.ask("compute", "DELETE", f"/os-server-groups/{group_id}")[0]

    assert shown["server_group"]["members"] == [server["id"] for server in servers]
    assert deleted == 204
    assert cloud.ask("compute", "GET", f"/os-server-groups/{group_id}")[0] == 404


def test_an_unknown_group_in_a_hint_is_refused(cloud: RawCloud) -> None:
    status, answer = create_server(cloud, UNKNOWN_ID)

    assert status == 400
    assert answer["badRequest"]["message"] == f"Instance group {UNKNOWN_ID} could not be found."


def test_a_full_group_refuses_a_server(cloud: RawCloud) -> None:
    group_id = create_group(cloud, "soft-anti-affinity")
    fill_group(cloud, group_id, count=10)

    status, answer = create_server(cloud, group_id)

    assert status == 403
    assert answer["forbidden"]["message"] == "Quota exceeded, too many servers in group"


def test_the_resource_manager_makes_lists_and_deletes_groups(project: OpenStackProject) -> None:
    request = CreateServerGroup(name="guestagent a/mark", policy="soft-anti-affinity")
    group_id = project.send(request).cloud_id

    seen = project.observe()

    assert (seen.server_groups[group_id].name, seen.has_server_groups) == ("guestagent a/mark", True)
    for _ in range(2):
        project.send(DeleteServerGroup(group_id=group_id))
    assert project.observe().server_groups == {}


def test_the_quota_of_groups_is_told_from_other_refusals(project: OpenStackProject) -> None:
    request = CreateServerGroup(name="shop", policy="soft-anti-affinity")
    for _ in range(10):
        project.send(request)

    with pytest.raises(CloudRequestRefused, match="too many server groups") as caught:
        project.send(request)

    assert caught.value.code == RefusalCode.QUOTA
