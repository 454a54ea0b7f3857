"""The one network of a cloud: of IPv4 or IPv6, its addresses, and what they are called on a wire. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import islice

IpNetwork = IPv4Network | IPv6Network

FIRST_GUEST_ADDRESS = 10  # below it: the gateway, and room for what a person adds
GUESTS_MINIMUM = 2
NETWORK_ADVICE = "take a private network, such as 10.77.0.0/24 or fd00:77::/64"
UNUSABLE_NETWORKS = tuple(
    map(
        ip_network,
        ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8"),
    )
)
"""Unspecified, loopback, link-local, multicast and reserved addresses: a network that holds any is refused."""


def parse_network(text: str) -> IpNetwork:
    """ValueError, with what to write instead, for a network in which no guests can stand."""
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; {NETWORK_ADVICE}") from error
    is_unusable = any(
        network.version == each.version and network.overlaps(each) for each in UNUSABLE_NETWORKS
    )
    if (
        is_unusable
        or next(islice(network.hosts(), FIRST_GUEST_ADDRESS + GUESTS_MINIMUM - 2, None), None) is None
    ):
        raise ValueError(f"no network for guests: {text}; {NETWORK_ADVICE}")
    return network


def list_guest_addresses(network: IpNetwork) -> Iterator[str]:
    """Those that guests are given, one after the other: of IPv6 without end."""
    return (str(address) for address in islice(network.hosts(), FIRST_GUEST_ADDRESS - 1, None))


def is_host_address(address: str, network: IpNetwork) -> bool:
    """Whether something can have this address there."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    ends = {network.network_address} | ({network.broadcast_address} if network.version == 4 else set())
    return parsed in network and parsed not in ends and address == str(parsed)


def build_mac_address(address: str) -> str:
    """The MAC of whoever has this address, so that a successor is reached at once."""
    parsed = ip_address(address)
    told = hashlib.sha256(parsed.packed).digest()[:4] if isinstance(parsed, IPv6Address) else parsed.packed
    return "02:00:" + ":".join(f"{byte:02x}" for byte in told)


def format_url_host(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host
