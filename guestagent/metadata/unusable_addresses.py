"""Addresses to which no channel can connect: unspecified, multicast, broadcast, and link-local ones of IPv6. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

_MAPPED = r"(0*:)*:?[fF]{4}:"
UNUSABLE_PATTERNS = (
    rf"^({_MAPPED})?0\.0\.0\.0$",
    rf"^({_MAPPED})?255\.255\.255\.255$",
    rf"^({_MAPPED})?(22[4-9]|23[0-9])\.[0-9.]*$",
    r"^[0:]*:[0:]*(:0\.0\.0\.0)?$",
    r"^[fF][fF][0-9A-Fa-f]{2}:",
    r"^[fF][eE][89aAbB][0-9A-Fa-f]:",
)
"""The usual spellings, for the JSON Schema, which cannot match an IPv4 address in hexadecimal digits."""

UNSPECIFIED_REASON = "Heat returns it until it knows the server's own address"


def explain_unusable(text: str) -> str | None:
    """Return why no channel can connect to this address; None if one can, or if it is not an address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return _explain(address if mapped is None else mapped)


def _explain(address: IPv4Address | IPv6Address) -> str | None:
    if address.is_unspecified:
        return UNSPECIFIED_REASON
    if address.is_multicast:
        return "it is a multicast address: give the source's own"
    if address == IPv4Address("255.255.255.255"):
        return "it is the broadcast address: give the source's own"
    if isinstance(address, IPv6Address) and address.is_link_local:
        return "a link-local address needs an interface, which a channel cannot name: give a global or unique local one"
    return None
