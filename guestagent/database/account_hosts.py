"""The hosts that an account may come from, as both families spell them. Pure."""

from __future__ import annotations

from ipaddress import ip_network

from guestagent.metadata.host_patterns import WILDCARD, find_host_patterns


def list_host_patterns(network: str | None) -> tuple[str, ...]:
    """The hosts of the accounts that admit a network (CIDR), None: any; ValueError if no accounts do."""
    if network is None:
        return (WILDCARD,)
    found = find_host_patterns(ip_network(network))
    if found is None:
        raise ValueError(f"no account admits exactly {network}")
    return found
