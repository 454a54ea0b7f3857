"""Networks in a cluster's values: CIDR form, and IPv6 only if the nodes have it. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from guestagent.metadata.network_shape import EXPECTED_NETWORK
from guestagent.validation import Cursor


def read_network(cursor: Cursor) -> IPv4Network | IPv6Network | None:
    """Read a network in CIDR form without host bits."""
    try:
        if not isinstance(cursor.value, str) or "%" in cursor.value:
            raise TypeError  # the scope of a link may hold any character, and no rule has one
        network = ip_network(cursor.value, strict=False)
    except (ValueError, TypeError):
        return cursor.add_problem(EXPECTED_NETWORK, repr(cursor.value))
    if cursor.value != str(network):
        return cursor.add_problem(EXPECTED_NETWORK, cursor.value, f"write {network}")
    return network


def check_ip_version(cursor: Cursor, network: IPv4Network | IPv6Network | None, ipv6: bool) -> None:
    """Note a network of IPv6 in a cluster whose nodes have no such addresses."""
    if isinstance(network, IPv6Network) and not ipv6:
        do = "set ipv6: true if the nodes have IPv6 addresses: their security group then admits IPv6"
        cursor.add_problem("a network of IPv4 in a cluster without ipv6", str(network), do)
