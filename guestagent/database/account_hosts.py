"""Host names of accounts, in the form that both families accept. Pure."""

from __future__ import annotations

from ipaddress import ip_network

from guestagent.metadata.host_patterns import WILDCARD, find_host_patterns

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def list_host_patterns(network: str | None) -> tuple[str, ...]:
    """Return the host names of the accounts that admit a network (CIDR), None: any. ValueError if there are none."""
    if network is None:
        return (WILDCARD,)
    patterns = find_host_patterns(ip_network(network))
    if patterns is None:
        raise ValueError(f"no account admits exactly {network}")
    return patterns
