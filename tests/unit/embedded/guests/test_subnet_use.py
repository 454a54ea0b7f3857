"""A subnet that another link of this machine has."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from guestagent.embedded.guests.subnet_use import find_subnet_users

LINKS: list[dict[str, Any]] = [
    {
        "ifname": "lo",
        "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}, {"local": "::1", "prefixlen": 128}],
    },
    {"ifname": "eth0", "addr_info": [{"local": "192.0.2.7", "prefixlen": 24}]},
    {
        "ifname": "gabr-one",
        "ifalias": "guestagent /var/lib/guestagent-cloud/one",
        "addr_info": [{"local": "10.77.0.1", "prefixlen": 24}],
    },
    {"ifname": "gabr-six", "addr_info": [{"local": "fd00:77::1", "prefixlen": 64}]},
    {"ifname": "down"},
]


@pytest.mark.parametrize(
    ("subnet", "users"),
    [
        ("10.77.0.0/24", ["10.77.0.1/24 at gabr-one of guestagent /var/lib/guestagent-cloud/one"]),
        ("10.77.0.128/25", ["10.77.0.1/24 at gabr-one of guestagent /var/lib/guestagent-cloud/one"]),
        ("192.0.0.0/16", ["192.0.2.7/24 at eth0"]),
        ("fd00:77::/64", ["fd00:77::1/64 at gabr-six"]),
        ("10.78.0.0/24", []),
        ("fd00:78::/64", []),
    ],
)
def test_links_with_an_overlapping_network_are_named(subnet: str, users: list[str]) -> None:
    assert list(find_subnet_users(LINKS, "gabr-two", ip_network(subnet))) == users


def test_the_clouds_own_bridge_which_a_killed_run_left_is_no_other_user() -> None:
    assert list(find_subnet_users(LINKS, "gabr-one", ip_network("10.77.0.0/24"))) == []
