"""Two linked network namespaces with IPv6 only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Address, IPv6Network

from tests.support.network_link import DEVICE, LinkEnd, build_namespace, link_namespaces, run_ip

NETWORK = IPv6Network("fd00:6a:1::/64")
"""A network whose clients need two host patterns."""
SOURCE, REPLICA, UNUSED_ADDRESS = "fd00:6a:1::1", "fd00:6a:1:0:f816:3eff:fe12:3456", "fd00:6a:1::77"
"""A configured address, and one that a node derives from its MAC address: they are spelled differently."""


@contextmanager
def open_ipv6_link(subnet: IPv4Network) -> Iterator[tuple[LinkEnd, LinkEnd]]:
    """Link two namespaces, named after a subnet of the test; remove both after the block."""
    ends = (
        LinkEnd(build_namespace(subnet, "a"), IPv6Address(SOURCE)),
        LinkEnd(build_namespace(subnet, "b"), IPv6Address(REPLICA)),
    )
    with link_namespaces(*(end.namespace for end in ends)):
        for end in ends:
            run_ip("-n", end.namespace, "address", "delete", "127.0.0.1/8", "dev", "lo")
            address = f"{end.address}/{NETWORK.prefixlen}"
            run_ip("-n", end.namespace, "address", "add", address, "dev", DEVICE, "nodad")
        yield ends
