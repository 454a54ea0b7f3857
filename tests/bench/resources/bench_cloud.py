"""The embedded cloud in a process of its own, with guests that only read documents and signal.

python -m tests.bench.resources.bench_cloud    prints how to connect; a line on stdin silences the guests
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from guestagent.embedded import FakeHypervisor, serving
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.embedded.process.fake_heat_cloud import FakeHeatCloud
from tests.bench.resources.collector_guests import CollectorGuests

TREE = Path(__file__).parents[3]
NETWORK = IPv4Network("10.77.0.0/22")
QUOTA = 10_000


class BenchCloud:
    """The running cloud. `connect` is for `openstack.connect(**cloud.connect)`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.connect: Mapping[str, Any] = json.loads(process.stdout.readline())

    def silence_guests(self) -> None:
        """Let no guest read its document any more."""
        assert self._process.stdin is not None
        self._process.stdin.write("silence\n")
        self._process.stdin.flush()


@contextmanager
def open_bench_cloud(authority: Path | None = None) -> Iterator[BenchCloud]:
    """Run a cloud for the length of the block. Its guests trust this CA."""
    command = (sys.executable, "-m", "tests.bench.resources.bench_cloud")
    environment = os.environ | ({} if authority is None else {"REQUESTS_CA_BUNDLE": str(authority)})
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=TREE, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        yield BenchCloud(process)  # the end of its standard input ends it


def serve() -> None:
    """Serve until standard input ends."""
    hypervisor = FakeHypervisor()
    guests = CollectorGuests(hypervisor)
    with serving(hypervisor, CloudSettings(network=NETWORK)) as served, guests:
        assert isinstance(served.cloud, FakeHeatCloud)
        compute = served.cloud.compute
        compute.quota.instances = compute.quota.cores = compute.storage.quota.volumes = QUOTA
        compute.quota.ram_mib = QUOTA * QUOTA
        compute.networking.quota.groups = compute.networking.quota.ports = QUOTA
        compute.networking.quota.rules = QUOTA
        print(json.dumps(served.connect), flush=True)
        for _ in sys.stdin:
            guests.are_silent = True


if __name__ == "__main__":
    serve()
