"""How servers spell the hosts that an account may come from. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network


def with_mask(network: str | None) -> str:
    """A network (CIDR) as both families understand it; None: from anywhere. ValueError for anything but IPv4."""
    if network is None:
        return "%"
    parsed = IPv4Network(network)
    if parsed.prefixlen == 0:
        return "%"
    return str(parsed.network_address) if parsed.prefixlen == 32 else str(parsed.with_netmask)
