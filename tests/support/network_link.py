"""Where a server may stand in a test: behind a wire that can be cut, on a disk that can be full."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

UNUSED_MAC = "02:00:00:00:00:99"


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of a wire: a network namespace and its address."""

    namespace: str
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class NetworkLink:
    """Two network namespaces, joined. `cut` drops every packet in silence, as a firewall does, until `heal`."""

    ends: tuple[LinkEnd, LinkEnd]

    def cut(self) -> None:
        for here, there in (self.ends, self.ends[::-1]):
            words = ("neigh", "replace", str(there.address), "lladdr", UNUSED_MAC, "nud", "permanent")
            _ip("-n", here.namespace, *words, "dev", "wire")

    def heal(self) -> None:
        for here, there in (self.ends, self.ends[::-1]):
            _ip("-n", here.namespace, "neigh", "del", str(there.address), "dev", "wire")


@contextmanager
def open_network_link(subnet: IPv4Network) -> Iterator[NetworkLink]:
    """In a subnet of the test's own; both namespaces and all in them are gone after the block."""
    handle = str(subnet.network_address).split(".")[2]
    ends = (
        LinkEnd(f"gatest{handle}-a", subnet[1]),
        LinkEnd(f"gatest{handle}-b", subnet[2]),
    )
    try:
        for end in ends:
            _gone(end.namespace)  # a killed test may have left it, and nobody else has this subnet now
            _ip("netns", "add", end.namespace)
        one, two = (end.namespace for end in ends)
        _ip("link", "add", "wire", "netns", one, "type", "veth", "peer", "name", "wire", "netns", two)
        for end in ends:
            _ip("-n", end.namespace, "address", "add", f"{end.address}/24", "dev", "wire")
            for link in ("lo", "wire"):
                _ip("-n", end.namespace, "link", "set", link, "up")
        yield NetworkLink(ends)
    finally:
        for end in ends:
            _gone(end.namespace)


@contextmanager
def mount_small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of this size of its own, mounted in `folder`."""
    image = folder.with_name(f"{folder.name}.img")
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    _run("mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", str(image))
    folder.mkdir()
    _run("mount", "-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        _run("umount", str(folder))
        image.unlink()


def fill_disk(file: Path) -> Path:
    """This file, made to the last byte of its disk."""
    size = 1 << 20
    with file.open("wb", 0) as filler:
        while size:
            try:
                filler.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
                size //= 2
    return file


def _gone(namespace: str) -> None:
    subprocess.run(("ip", "netns", "delete", namespace), check=False, capture_output=True)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)
