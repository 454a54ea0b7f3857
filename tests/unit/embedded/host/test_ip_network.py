"""Networks for guests, of either protocol."""

from __future__ import annotations

import asyncio
from ipaddress import IPv6Network
from itertools import islice

import pytest

from guestagent.embedded.host.ip_network import (
    build_mac_address,
    is_host_address,
    list_guest_addresses,
    parse_network,
)
from guestagent.embedded.http.listener import Listener
from guestagent.embedded.openstack.neutron.network import NeutronNetwork

SIX = IPv6Network("fd00:77:1::/64")


@pytest.mark.parametrize("text", ["10.77.0.0/24", "10.0.0.0/28", "fd00:77:1::/64", "fd00::/120"])
def test_a_network_with_room_for_guests_is_accepted(text: str) -> None:
    assert str(parse_network(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "10.77.0.1/24",
            "10.0.0.0/29",
            "224.0.0.0/8",
            "127.0.0.0/8",
            "fe80::/64",
            "ff02::/16",
            "fd00::/126",
            "x",
            "",
        ),
        *("0.0.0.0/0", "126.0.0.0/7", "::/0", "fe00::/7"),
    ],
)
def test_a_network_without_room_for_guests_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"take a private network"):
        parse_network(text)


def test_guests_on_ipv6_have_addresses_in_order() -> None:
    there = NeutronNetwork(SIX)

    assert [there.add_port().address for _ in range(2)] == ["fd00:77:1::a", "fd00:77:1::b"]
    assert there.gateway == "fd00:77:1::1"
    assert there.add_port(address="fd00:77:1::99").address == "fd00:77:1::99"


@pytest.mark.parametrize("address", ["fd00:77:1::", "fd00:77:2::1", "fd00:77:1:0::1", "10.0.0.1", "x"])
def test_an_address_that_no_guest_can_have_is_rejected(address: str) -> None:
    assert not is_host_address(address, SIX)


def test_different_addresses_have_different_mac_addresses() -> None:
    networks = (SIX, IPv6Network("fd00:1::/64"))
    addresses = [each for network in networks for each in islice(list_guest_addresses(network), 1000)]

    assert len({build_mac_address(address) for address in addresses}) == len(addresses)
    assert build_mac_address("10.77.0.10") == "02:00:0a:4d:00:0a"


def test_a_service_on_ipv6_has_its_address_in_brackets() -> None:
    listener = Listener("::1", (0,))

    assert listener.url == f"http://[::1]:{listener.port}"
    asyncio.run(listener.close())
