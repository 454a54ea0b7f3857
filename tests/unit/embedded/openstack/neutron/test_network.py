"""Ports hold addresses for as long as somebody has them; groups stay while a port has them."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from guestagent.embedded.http.errors import EntityNotFound, ResourceFailure
from guestagent.embedded.openstack.neutron.network import InUse, NeutronNetwork


def networking(network: str = "10.77.0.0/24") -> NeutronNetwork:
    return NeutronNetwork(IPv4Network(network))


def test_addresses_are_given_in_order_and_the_first_ones_are_kept_back() -> None:
    there = networking()

    assert [there.add_port().address for _ in range(3)] == ["10.77.0.10", "10.77.0.11", "10.77.0.12"]
    assert there.gateway == "10.77.0.1"


def test_a_port_takes_the_address_that_it_asks_for() -> None:
    assert networking().add_port(address="10.77.0.99").address == "10.77.0.99"


@pytest.mark.parametrize("address", ["10.77.0.10", "10.9.9.9"])
def test_an_address_that_is_taken_or_elsewhere_is_refused(address: str) -> None:
    there = networking()
    there.add_port()

    with pytest.raises(ResourceFailure, match="Unable to assign"):
        there.add_port(address=address)


def test_a_port_of_a_server_goes_with_it_and_one_of_its_own_stays() -> None:
    there = networking()
    ours, theirs = there.add_port(is_server_owned=True), there.add_port("kept")
    ours.server_id = theirs.server_id = "server"

    there.release_ports("server")

    assert list(there.ports) == [theirs.id]
    assert theirs.server_id == ""


def test_the_hardware_address_follows_the_address() -> None:
    assert networking().add_port().mac == "02:00:0a:4d:00:0a"


def test_a_group_stays_while_a_port_has_it() -> None:
    there = networking()
    group = there.add_group("members")
    port = there.add_port(groups=[group.id])

    with pytest.raises(InUse):
        there.remove_group(group.id)
    there.remove_port(port.id)
    there.remove_group(group.id)

    assert group.id not in there.groups


def test_a_new_group_lets_everything_out() -> None:
    group = networking().add_group("members")

    assert [rule.attributes["direction"] for rule in group.rules] == ["egress", "egress"]


def test_a_rule_that_is_there_already_is_refused() -> None:
    there = networking()
    group = there.add_group("members")
    said = {"direction": "ingress", "protocol": "tcp", "remote_group_id": group.id}
    there.add_rule(group.id, said)

    with pytest.raises(InUse):
        there.add_rule(group.id, said)


def test_what_is_not_there_is_said() -> None:
    there = networking()

    for missing in (there.find_port, there.find_group, there.find_rule, there.remove_port, there.remove_rule):
        with pytest.raises(EntityNotFound):
            missing("nobody")
    with pytest.raises(EntityNotFound):
        there.add_port(groups=["nobody"])
