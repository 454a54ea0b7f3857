"""Ports hold addresses for as long as somebody has them; groups stay while a port has them."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from guestagent.embedded.http.errors import EntityNotFound, ResourceFailure
from guestagent.embedded.openstack.neutron.errors import SecurityGroupInUse, SecurityGroupRuleExists
from guestagent.embedded.openstack.neutron.network import NeutronNetwork


def networking(network: str = "10.77.0.0/24") -> NeutronNetwork:
    return NeutronNetwork(IPv4Network(network))


def test_addresses_are_assigned_in_order_after_the_reserved_ones() -> None:
    there = networking()

    assert [there.add_port().address for _ in range(3)] == ["10.77.0.10", "10.77.0.11", "10.77.0.12"]
    assert there.gateway == "10.77.0.1"


def test_a_port_gets_its_requested_address() -> None:
    assert networking().add_port(address="10.77.0.99").address == "10.77.0.99"


@pytest.mark.parametrize("address", ["10.77.0.10", "10.9.9.9"])
def test_an_address_in_use_or_of_another_network_is_rejected(address: str) -> None:
    there = networking()
    there.add_port()

    with pytest.raises(ResourceFailure, match="Unable to assign"):
        there.add_port(address=address)


def test_a_server_owned_port_is_removed_with_the_server_and_another_stays() -> None:
    there = networking()
    nova_port, user_port = there.add_port(is_server_owned=True), there.add_port("kept")
    nova_port.server_id = user_port.server_id = "server"

    there.release_ports("server")

    assert list(there.ports) == [user_port.id]
    assert user_port.server_id == ""


def test_the_mac_address_depends_on_the_address() -> None:
    assert networking().add_port().mac == "02:00:0a:4d:00:0a"


def test_a_group_in_use_is_not_removed() -> None:
    there = networking()
    group = there.add_group("members")
    port = there.add_port(groups=[group.id])

    with pytest.raises(SecurityGroupInUse):
        there.remove_group(group.id)
    there.remove_port(port.id)
    there.remove_group(group.id)

    assert group.id not in there.groups


def test_a_new_group_allows_all_egress() -> None:
    group = networking().add_group("members")

    assert [rule.attributes["direction"] for rule in group.rules] == ["egress", "egress"]


def test_an_existing_rule_is_rejected() -> None:
    there = networking()
    group = there.add_group("members")
    message = {"direction": "ingress", "protocol": "tcp", "remote_group_id": group.id}
    there.add_rule(group.id, message)

    with pytest.raises(SecurityGroupRuleExists):
        there.add_rule(group.id, message)


def test_a_missing_object_is_reported() -> None:
    there = networking()

    for missing in (there.find_port, there.find_group, there.find_rule, there.remove_port, there.remove_rule):
        with pytest.raises(EntityNotFound):
            missing("nobody")
    with pytest.raises(EntityNotFound):
        there.add_port(groups=["nobody"])
