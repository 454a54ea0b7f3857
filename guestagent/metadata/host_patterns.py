"""The host patterns of accounts that admit a network, as MariaDB and MySQL match them. Pure.

For IPv4 both accept a network with its mask. For IPv6 they compare texts: the client's address as the system writes
it, with its longest run of two or more zero groups as `::`, and a pattern in which `%` matches anything. One network
may need two patterns, and for some networks no pattern admits exactly them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from itertools import groupby, product

IPNetwork = IPv4Network | IPv6Network

GROUP_BITS, GROUPS = 16, 8
WILDCARD = "%"


def find_host_patterns(network: IPNetwork) -> tuple[str, ...] | None:
    """Return the patterns that together admit exactly this network; None if there are none."""
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
    patterns = {
        _build_pattern(groups[: network.prefixlen // GROUP_BITS], client_groups)
        for client_groups in _iterate_zero_groups(network)
    }
    return None if None in patterns else tuple(sorted(pattern for pattern in patterns if pattern is not None))


def find_enclosing_network(network: IPv6Network) -> IPv6Network | None:
    """Return the smallest enclosing network that has patterns and is not all of IPv6."""
    for prefix in range(network.prefixlen // GROUP_BITS * GROUP_BITS, 0, -GROUP_BITS):
        larger = network.supernet(new_prefix=prefix)
        if find_host_patterns(larger) is not None:
            return larger
    return None


def _has_usual_text(network: IPv6Network) -> bool:
    """Return whether its addresses are written as usual: those in ::/16 look like IPv4, link-local ones have a zone."""
    first = network.network_address
    return first.packed[:2] != b"\0\0" and not first.is_link_local


def _iterate_zero_groups(network: IPv6Network) -> Iterator[tuple[int, ...]]:
    """Iterate over which groups of the client's part are zero: 0, or 1 for any other value."""
    return product((0, 1), repeat=GROUPS - network.prefixlen // GROUP_BITS)


def _build_pattern(prefix: Sequence[int], client_groups: Sequence[int]) -> str | None:
    """Return the pattern of those clients. None if it would admit others too.

    `::` stands for any number of groups except one.
    """
    start, end = _find_longest_zeros([*prefix, *client_groups])
    if start >= len(prefix):
        return f"{_format_groups(prefix)}:{WILDCARD}"
    if min(end, len(prefix)) - start > 2:
        return None
    if end >= len(prefix):
        return f"{_format_groups(prefix[:start])}::{WILDCARD}"
    # With all groups of the client's part written out, `::` can only stand for two.
    return f"{_format_groups(prefix[:start])}::{_format_groups(prefix[end:])}{f':{WILDCARD}' * len(client_groups)}"


def _find_longest_zeros(groups: Sequence[int]) -> tuple[int, int]:
    """Find the first longest run of two or more zeros: start and end. Both are beyond all groups if there is none."""
    longest, position = (GROUPS, GROUPS), 0
    for value, run in groupby(groups, key=bool):
        length = len(list(run))
        if not value and length > max(1, longest[1] - longest[0]):
            longest = (position, position + length)
        position += length
    return longest


def _format_groups(groups: Sequence[int]) -> str:
    return ":".join(f"{group:x}" for group in groups)
