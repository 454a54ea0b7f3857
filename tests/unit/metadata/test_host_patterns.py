"""The patterns of accounts admit exactly the clients of a network, as the servers match them: by text."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.metadata.host_patterns import find_enclosing_network, find_host_patterns

groups = st.sampled_from([0, 0, 0, 1, 0x12F, 0xFFFF])
addresses = st.tuples(st.sampled_from([0x2001, 0xFD00]), *[groups] * 7).map(
    lambda drawn: IPv6Address(":".join(f"{group:x}" for group in drawn))
)


@pytest.mark.parametrize(
    ("network", "patterns"),
    [
        ("0.0.0.0/0", ("%",)),
        ("10.0.0.0/24", ("10.0.0.0/255.255.255.0",)),
        ("10.0.0.7/32", ("10.0.0.7",)),
        ("::/0", ("%",)),
        ("2001:db8:0:1::/64", ("2001:db8:0:1:%",)),
        ("fd00:1:2::/64", ("fd00:1:2:0:%", "fd00:1:2::%")),
        ("2001:0:0:1::/64", ("2001:0:0:1:%", "2001::1:%:%:%:%")),
        ("2001:db8::7/128", ("2001:db8::7",)),
    ],
)
def test_a_network_has_its_patterns(network: str, patterns: tuple[str, ...]) -> None:
    assert find_host_patterns(ip_network(network)) == patterns


@pytest.mark.parametrize(
    ("network", "nearest"),
    [
        ("fd00::/64", "fd00::/48"),
        ("2001:db8:1:10::/60", "2001:db8:1::/48"),
        ("fd00::/8", None),
        ("fe80::/64", None),
        ("::ffff:0:0/96", None),
    ],
)
def test_a_network_without_patterns_has_the_nearest_that_has_some(network: str, nearest: str | None) -> None:
    there = IPv6Network(network)

    assert find_host_patterns(there) is None
    assert str(find_enclosing_network(there)) == str(nearest)


@given(addresses, st.integers(1, 8), addresses, st.integers(0, 8))
def test_exactly_the_clients_of_the_network_are_admitted(
    one: IPv6Address, prefix: int, other: IPv6Address, shared: int
) -> None:
    network = IPv6Network((one, 16 * prefix), strict=False)
    texts = one.exploded.split(":")[:shared] + other.exploded.split(":")[shared:]
    client = IPv6Address(":".join(texts))

    patterns = find_host_patterns(network)

    if patterns is not None:
        assert any(matches(pattern, client) for pattern in patterns) == (client in network)


def matches(pattern: str, client: IPv6Address) -> bool:
    """As both families do: `%` is anything at all, and the client is spelled as the system spells it."""
    return re.fullmatch(re.escape(pattern).replace("%", ".*"), client.compressed) is not None
