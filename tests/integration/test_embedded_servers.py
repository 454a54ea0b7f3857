"""The compute, network and image services as openstacksdk and a real Heat use them; guests are only remembered."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import openstack
import pytest
from openstack.connection import Connection
from openstack.exceptions import ConflictException, NotFoundException

from guestagent.embedded import FakeHypervisor, Serving, serving
from guestagent.embedded.openstack.glance.images import IMAGES
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def embedded_cloud() -> Iterator[Serving]:
    with serving() as embedded_cloud:
        yield embedded_cloud


@pytest.fixture
def cloud(embedded_cloud: Serving) -> Iterator[Connection]:
    with openstack.connect(**embedded_cloud.connect) as connection:
        yield connection


def boot_server(cloud: Connection, **more: Any) -> Any:
    flavor = next(each for each in cloud.compute.flavors() if each.name == "m1.tiny")
    body = {"name": "n", "flavor_id": flavor.id, "image_id": IMAGES[0].id, "networks": "auto", **more}
    server = cloud.compute.create_server(**body)
    return cloud.compute.wait_for_server(server, interval=0.05, wait=60)


def wait_for_status(cloud: Connection, server: Any, status: str) -> Any:
    until = time.monotonic() + 10
    while (current := cloud.compute.get_server(server.id)).status != status:
        assert time.monotonic() < until, current.status
        time.sleep(0.05)
    return current


def test_a_server_boots_at_its_ports_address_with_its_user_data(
    embedded_cloud: Serving, cloud: Connection
) -> None:
    port = cloud.network.create_port(network_id=NETWORK_ID, fixed_ips=[{"subnet_id": SUBNET_ID}])
    data = base64.b64encode(b"#!/bin/sh").decode()

    server = boot_server(cloud, networks=[{"port": port.id}], user_data=data, metadata={"a": "b"})

    assert isinstance(embedded_cloud.hypervisor, FakeHypervisor)
    guest = embedded_cloud.hypervisor.guests[server.id]
    assert guest.address == port.fixed_ips[0]["ip_address"]
    assert guest.user_data == b"#!/bin/sh"
    assert server.metadata == {"a": "b"}
    assert cloud.network.get_port(port.id).device_id == server.id
    cloud.compute.delete_server(server, ignore_missing=False)
    cloud.compute.wait_for_delete(server, interval=0.05, wait=60)
    assert cloud.network.get_port(port.id).device_id == ""


def test_a_resize_waits_for_its_confirmation(cloud: Connection) -> None:
    server = boot_server(cloud)
    larger = next(each for each in cloud.compute.flavors() if each.name == "m1.large")

    cloud.compute.resize_server(server, larger)
    resized = wait_for_status(cloud, server, "VERIFY_RESIZE")
    cloud.compute.confirm_server_resize(server)

    assert resized.flavor.original_name == larger.name
    assert wait_for_status(cloud, server, "ACTIVE").flavor.original_name == larger.name


def test_a_resize_in_the_middle_of_something_is_a_conflict(cloud: Connection) -> None:
    stuck = next(each for each in cloud.compute.flavors() if each.name == "stuck")
    server = cloud.compute.create_server(name="s", flavor_id=stuck.id, image_id=IMAGES[0].id, networks="auto")

    with pytest.raises(ConflictException):
        cloud.compute.resize_server(server, stuck)


@pytest.mark.parametrize("action", ["rebuild", "os-stop", "evacuate"])
def test_what_guests_cannot_do_is_refused(cloud: Connection, action: str) -> None:
    server = boot_server(cloud)

    answer = cloud.compute.post(f"/servers/{server.id}/action", json={action: {}})

    assert answer.status_code == 400
    assert action in answer.text


def test_interfaces_come_and_go(cloud: Connection) -> None:
    server = boot_server(cloud)
    port = cloud.network.create_port(network_id=NETWORK_ID)

    cloud.compute.create_server_interface(server, port_id=port.id)
    both = [each.port_id for each in cloud.compute.server_interfaces(server)]
    cloud.compute.delete_server_interface(port.id, server=server)

    assert both[1:] == [port.id]
    assert [each.port_id for each in cloud.compute.server_interfaces(server)] == both[:1]


def test_a_name_and_metadata_change_in_place(cloud: Connection) -> None:
    server = boot_server(cloud)

    cloud.compute.update_server(server, name="other")
    cloud.compute.set_server_metadata(server, generation="2")

    renamed = cloud.compute.get_server(server.id)
    assert (renamed.name, renamed.metadata) == ("other", {"generation": "2"})


def test_groups_and_rules_are_kept_as_they_were_asked_for(cloud: Connection) -> None:
    group = cloud.network.create_security_group(name="members", description="d")
    rule = cloud.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp",
        port_range_min=3306, port_range_max=3306, remote_group_id=group.id,
    )  # fmt: skip
    port = cloud.network.create_port(network_id=NETWORK_ID, security_groups=[group.id])

    stored_rule = cloud.network.get_security_group_rule(rule.id)

    assert (stored_rule.port_range_min, stored_rule.remote_group_id, stored_rule.protocol) == (
        3306,
        group.id,
        "tcp",
    )
    with pytest.raises(ConflictException, match="in use"):
        cloud.network.delete_security_group(group.id, ignore_missing=False)
    cloud.network.delete_port(port.id)
    cloud.network.delete_security_group(group.id, ignore_missing=False)
    assert [each.id for each in cloud.network.security_groups(name="members")] == []


def test_rules_that_come_together_are_made_together_or_not_at_all(cloud: Connection) -> None:
    group = cloud.network.create_security_group(name="many")
    egress = {"security_group_id": group.id, "direction": "egress", "protocol": "tcp"}
    first, second = ({**egress, "port_range_min": port, "port_range_max": port} for port in (1, 2))
    path = "/security-group-rules"

    accepted = cloud.network.post(path, json={"security_group_rules": [first]})
    rejected = cloud.network.post(path, json={"security_group_rules": [second, first]})

    assert [rule["port_range_min"] for rule in accepted.json()["security_group_rules"]] == [1]
    assert rejected.status_code == 409
    ports = [rule.port_range_min for rule in cloud.network.security_group_rules(security_group_id=group.id)]
    assert ports.count(1) == 1
    assert 2 not in ports


def test_a_port_at_a_taken_address_is_refused(cloud: Connection) -> None:
    address = cloud.network.create_port(network_id=NETWORK_ID).fixed_ips[0]["ip_address"]

    with pytest.raises(ConflictException, match="already allocated"):
        cloud.network.create_port(network_id=NETWORK_ID, fixed_ips=[{"ip_address": address}])


def test_what_is_not_there_is_404(cloud: Connection) -> None:
    with pytest.raises(NotFoundException):
        cloud.network.get_port("nobody")
    with pytest.raises(NotFoundException):
        cloud.network.delete_security_group_rule("nobody", ignore_missing=False)
    with pytest.raises(NotFoundException):
        cloud.compute.get_server("nobody")


def test_images_and_the_network_are_found_by_name(cloud: Connection) -> None:
    assert cloud.image.find_image("guestagent-mariadb", ignore_missing=False).id == IMAGES[0].id
    assert cloud.network.find_network("embedded", ignore_missing=False).id == NETWORK_ID
    assert cloud.network.find_subnet("embedded-subnet", ignore_missing=False).network_id == NETWORK_ID
