"""The link between a source in a namespace of its own and a replica outside of it, which counts the bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.network_link import run_ip
from tests.support.subnets import open_subnet

DEVICE = "wire"


@dataclass(frozen=True, slots=True)
class BenchLink:
    """The source's namespace and address, and the replica's device."""

    namespace: str
    address: str
    device: str

    @property
    def command_prefix(self) -> tuple[str, ...]:
        """The words that run a command beside the source."""
        return ("nsenter", f"--net=/run/netns/{self.namespace}", "--")

    def count_bytes(self) -> int:
        """Return the bytes that have come from the source, with the headers of their packets."""
        return int(Path(f"/sys/class/net/{self.device}/statistics/rx_bytes").read_text())


@contextmanager
def open_bench_link() -> Iterator[BenchLink]:
    """Create the namespace and the link, and remove both after the block."""
    with open_subnet() as subnet:
        name = f"gabench{str(subnet.network_address).split('.')[2]}"
        link = BenchLink(name, str(subnet[1]), name)
        _delete_namespace(name)  # a killed run may have left it, and nobody else has this subnet
        try:
            run_ip("netns", "add", name)
            run_ip("link", "add", name, "type", "veth", "peer", "name", DEVICE, "netns", name)
            run_ip("address", "add", f"{subnet[2]}/24", "dev", name)
            run_ip("-n", name, "address", "add", f"{subnet[1]}/24", "dev", DEVICE)
            run_ip("link", "set", name, "up")
            for device in ("lo", DEVICE):
                run_ip("-n", name, "link", "set", device, "up")
            yield link
        finally:
            _delete_namespace(name)


def _delete_namespace(name: str) -> None:
    """Delete the namespace, and its end of the link with the other one."""
    subprocess.run(("ip", "netns", "delete", name), check=False, capture_output=True)
    subprocess.run(("ip", "link", "delete", name), check=False, capture_output=True)
