"""The one network of a cloud, IPv4 or IPv6: its addresses, their MAC addresses and their form in URLs. Pure."""

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
    """Parse a network; ValueError, with advice, if it has no room for guests."""
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; {NETWORK_ADVICE}") from error
    is_unusable = any(
        network.version == unusable_network.version and network.overlaps(unusable_network)
        for unusable_network in UNUSABLE_NETWORKS
    )
    if (
        is_unusable
        or next(islice(network.hosts(), FIRST_GUEST_ADDRESS + GUESTS_MINIMUM - 2, None), None) is None
    ):
        raise ValueError(f"no network for guests: {text}; {NETWORK_ADVICE}")
    return network


def list_guest_addresses(network: IpNetwork) -> Iterator[str]:
    """List the addresses for guests in order; for IPv6 there is no end."""
    return (str(address) for address in islice(network.hosts(), FIRST_GUEST_ADDRESS - 1, None))


def find_guest_pool(network: IpNetwork) -> tuple[str, str]:
    """Return the first and the last address for guests."""
    last = network[-2] if network.version == 4 else network[-1]
    return next(list_guest_addresses(network)), str(last)


def is_host_address(address: str, network: IpNetwork) -> bool:
    """Whether a host of the network can have this address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    reserved_addresses = {network.network_address} | (
        {network.broadcast_address} if network.version == 4 else set()
    )
    return parsed in network and parsed not in reserved_addresses and address == str(parsed)


def build_mac_address(address: str) -> str:
    """Build the MAC of an address's owner. It depends on the address, so that a successor is reached at once."""
    parsed = ip_address(address)
    suffix = hashlib.sha256(parsed.packed).digest()[:4] if isinstance(parsed, IPv6Address) else parsed.packed
    return "02:00:" + ":".join(f"{byte:02x}" for byte in suffix)


def format_url_host(host: str) -> str:
    """Format a host for a URL."""
    return f"[{host}]" if ":" in host else host
