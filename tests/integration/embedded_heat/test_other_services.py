"""Keystone, Nova, Glance and Neutron of the embedded cloud through openstacksdk."""

from __future__ import annotations

import openstack
import pytest
from openstack.exceptions import SDKException

from guestagent.embedded import Serving
from tests.support.cfn_cluster_stack import build_template, create_ready_stack
from tests.support.heat_requests import HeatRequests, get_fake_hypervisor

# openstacksdk warns of itself at every connect and request; the class above its warnings is private.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def test_a_wrong_password_is_401(cloud: Serving) -> None:
    wrong = {**cloud.connect, "auth": {**cloud.cloud.connect["auth"], "password": "wrong"}}

    with (
        openstack.connect(**wrong) as connection,
        pytest.raises(SDKException, match="requires authentication"),
    ):
        connection.authorize()


def test_the_compute_service_lists_finds_and_reboots(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())
    compute = heat.connection.compute

    [server] = compute.servers()
    compute.reboot_server(server, "SOFT")
    compute.wait_for_server(server, interval=0.05, wait=60)

    assert server.addresses["embedded"][0]["addr"] == "10.77.0.10"
    assert compute.find_flavor("m1.small", ignore_missing=False).ram == 256
    assert heat.connection.image.find_image("guestagent-mariadb", ignore_missing=False).status == "active"
    assert heat.connection.network.find_subnet("embedded-subnet", ignore_missing=False).cidr == "10.77.0.0/24"
    assert ("reboot", server.id) in get_fake_hypervisor(cloud).calls
