"""The server id of a node that is given none. Pure."""

from __future__ import annotations

import hashlib
from ipaddress import IPv6Address, ip_address

from guestagent.metadata.document import UnresolvedFunction


def derive_server_id(address: str | None) -> int | UnresolvedFunction:
    """Derive a server id from the node's own address: an IPv4 address as a number, a hash of an IPv6 address."""
    if address is None:
        return UnresolvedFunction("this node's address", "")
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        # Its last bits may be alike in every subnet, and its first ones are alike in one.
        return int.from_bytes(hashlib.sha256(parsed.packed).digest()[:4], "big") or 1
    return int(parsed) or 1
