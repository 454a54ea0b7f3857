"""Two network namespaces with IPv6 alone, joined by a wire."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

NETWORK = IPv6Network("fd00:6a:1::/64")
"""Of the kind whose clients take two patterns."""
SOURCE, REPLICA, UNUSED_ADDRESS = "fd00:6a:1::1", "fd00:6a:1:0:f816:3eff:fe12:3456", "fd00:6a:1::77"
"""One address that is given and one that a node makes from its hardware's: they are spelled differently."""


@dataclass(frozen=True, slots=True)
class Ipv6LinkEnd:
    namespace: str
    address: str


@contextmanager
def open_ipv6_link(subnet: IPv4Network) -> Iterator[tuple[Ipv6LinkEnd, Ipv6LinkEnd]]:
    """The namespaces are named by a subnet of the test's own; both are gone after the block."""
    number = str(subnet.network_address).split(".")[2]
    ends = Ipv6LinkEnd(f"gatest{number}-a", SOURCE), Ipv6LinkEnd(f"gatest{number}-b", REPLICA)
    try:
        for end in ends:
            _delete(end.namespace)
            _ip("netns", "add", end.namespace)
        one, two = (end.namespace for end in ends)
        _ip("link", "add", "wire", "netns", one, "type", "veth", "peer", "name", "wire", "netns", two)
        for end in ends:
            for link in ("lo", "wire"):
                _ip("-n", end.namespace, "link", "set", link, "up")
            _ip("-n", end.namespace, "address", "delete", "127.0.0.1/8", "dev", "lo")
            address = f"{end.address}/{NETWORK.prefixlen}"
            _ip("-n", end.namespace, "address", "add", address, "dev", "wire", "nodad")
        yield ends
    finally:
        for end in ends:
            _delete(end.namespace)


def _delete(namespace: str) -> None:
    subprocess.run(("ip", "netns", "delete", namespace), check=False, capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True, capture_output=True)
