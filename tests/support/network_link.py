"""A network link between two namespaces, which can be cut."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address

UNUSED_MAC = "02:00:00:00:00:99"
DEVICE = "wire"
"""The name of the link's device in both namespaces."""


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of a link: a network namespace and its address."""

    namespace: str
    address: IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class NetworkLink:
    """Two linked network namespaces. `cut` silently drops every packet, as a firewall does, until `heal`."""

    ends: tuple[LinkEnd, LinkEnd]

    def cut(self) -> None:
        for near_end, far_end in (self.ends, self.ends[::-1]):
            words = ("neigh", "replace", str(far_end.address), "lladdr", UNUSED_MAC, "nud", "permanent")
            run_ip("-n", near_end.namespace, *words, "dev", DEVICE)

    def heal(self) -> None:
        for near_end, far_end in (self.ends, self.ends[::-1]):
            run_ip("-n", near_end.namespace, "neigh", "del", str(far_end.address), "dev", DEVICE)


@contextmanager
def open_network_link(subnet: IPv4Network) -> Iterator[NetworkLink]:
    """Link two namespaces in a subnet of the test; remove both after the block."""
    ends = LinkEnd(build_namespace(subnet, "a"), subnet[1]), LinkEnd(build_namespace(subnet, "b"), subnet[2])
    with link_namespaces(*(end.namespace for end in ends)):
        for end in ends:
            run_ip("-n", end.namespace, "address", "add", f"{end.address}/24", "dev", DEVICE)
        yield NetworkLink(ends)


def build_namespace(subnet: IPv4Network, end: str) -> str:
    """Return the name of a namespace that no other test has."""
    return f"gatest{str(subnet.network_address).split('.')[2]}-{end}"


@contextmanager
def link_namespaces(one: str, two: str) -> Iterator[None]:
    """Create two namespaces and the link between them, without addresses; remove all after the block."""
    try:
        for namespace in (one, two):
            _delete_namespace(namespace)  # a killed test may have left it, and no other test has this subnet
            run_ip("netns", "add", namespace)
        run_ip("link", "add", DEVICE, "netns", one, "type", "veth", "peer", "name", DEVICE, "netns", two)
        for namespace in (one, two):
            for device in ("lo", DEVICE):
                run_ip("-n", namespace, "link", "set", device, "up")
        yield
    finally:
        for namespace in (one, two):
            _delete_namespace(namespace)


def _delete_namespace(namespace: str) -> None:
    subprocess.run(("ip", "netns", "delete", namespace), check=False, capture_output=True)


def run_ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True, capture_output=True)
