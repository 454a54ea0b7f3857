"""The hosts of accounts that admit a network, as MariaDB and MySQL match them. Pure.

Of IPv4 both understand a network with its mask. Of IPv6 they compare texts: the address of a client as the system
spells it, with its longest run of two or more zero groups as `::`, and a pattern in which `%` stands for anything. One
network can then take two patterns, and of some there are none that admit this network alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from itertools import groupby, product

IPNetwork = IPv4Network | IPv6Network

GROUP_BITS, GROUPS = 16, 8
WILDCARD = "%"


def find_host_patterns(network: IPNetwork) -> tuple[str, ...] | None:
    """The patterns that together admit exactly this network; None if the servers cannot tell it from others."""
    if network.prefixlen == 0:
        return (WILDCARD,)
    if isinstance(network, IPv4Network):
        single = network.prefixlen == network.max_prefixlen
        return (str(network.network_address) if single else str(network.with_netmask),)
    if not _has_usual_text(network) or network.prefixlen % GROUP_BITS:
        return None
    if network.prefixlen == network.max_prefixlen:
        return (network.network_address.compressed,)
    groups = [int(group, 16) for group in network.network_address.exploded.split(":")]
    found = {_pattern(groups[: network.prefixlen // GROUP_BITS], rest) for rest in _rests(network)}
    return None if None in found else tuple(sorted(pattern for pattern in found if pattern is not None))


def find_enclosing_network(network: IPv6Network) -> IPv6Network | None:
    """The smallest network around this one that has patterns and is not all of IPv6."""
    for prefix in range(network.prefixlen // GROUP_BITS * GROUP_BITS, 0, -GROUP_BITS):
        wider = network.supernet(new_prefix=prefix)
        if find_host_patterns(wider) is not None:
            return wider
    return None


def _has_usual_text(network: IPv6Network) -> bool:
    """Below ::/16 stand the addresses that are spelled as IPv4's; a link-local one is spelled with its interface."""
    first = network.network_address
    return first.packed[:2] != b"\0\0" and not first.is_link_local


def _rests(network: IPv6Network) -> Iterator[tuple[int, ...]]:
    """Which groups of a client's part may be zero: 0, or 1 for any other value."""
    return product((0, 1), repeat=GROUPS - network.prefixlen // GROUP_BITS)


def _pattern(prefix: Sequence[int], rest: Sequence[int]) -> str | None:
    """The pattern of those clients. None if it would admit others too.

    `::` does not tell how many groups it stands for, but never stands for one alone.
    """
    start, end = _longest_zeros([*prefix, *rest])
    if start >= len(prefix):
        return f"{_spell(prefix)}:{WILDCARD}"
    if min(end, len(prefix)) - start > 2:
        return None
    if end >= len(prefix):
        return f"{_spell(prefix[:start])}::{WILDCARD}"
    # With all groups of the client's part the `::` can only stand for two.
    return f"{_spell(prefix[:start])}::{_spell(prefix[end:])}{f':{WILDCARD}' * len(rest)}"


def _longest_zeros(groups: Sequence[int]) -> tuple[int, int]:
    """The first longest run of zeros, of two or more: its start and end; beyond all groups if there is none."""
    best, at = (GROUPS, GROUPS), 0
    for value, run in groupby(groups, key=bool):
        length = len(list(run))
        if not value and length > max(1, best[1] - best[0]):
            best = (at, at + length)
        at += length
    return best


def _spell(groups: Sequence[int]) -> str:
    return ":".join(f"{group:x}" for group in groups)
