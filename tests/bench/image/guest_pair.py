"""Boots a source and its replica from a tree, as servers of a stack, and measures both."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.containers import ContainerHypervisor, ImageTree
from guestagent.embedded.containers.guest_removal import CGROUP_RECORD
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from tests.bench.image.boot_times import AGENT, COLLECTOR, BootTimes, RunInGuest, read_boot_times
from tests.bench.image.rest_costs import RestCosts, measure_rest, read_exposure
from tests.support.guest_cloud import GuestCloud, open_container_cloud
from tests.support.subnets import open_subnet

ROLES: Mapping[str, str] = {"source": "Master0000", "replica": "Slave0000"}
STACK = "bench"
CREATE_TIMEOUT_S, BOOT_TIMEOUT_S, POLL_INTERVAL_S = 300.0, 60.0, 0.5
SETTLE_S = 20.0  # what runs once after a boot has ended by then


@dataclass(frozen=True, slots=True)
class GuestRow:
    """A node of an image: the times of its boots, its costs at rest after the last one, and its units' exposure."""

    image: str
    role: str
    boots: tuple[BootTimes, ...]
    rest: RestCosts
    exposure: Mapping[str, float]


def measure_pair(
    image: str,
    tree: ImageTree,
    dialect: Dialect,
    repetitions: int,
    idle_s: float,
    report: Callable[[str], None],
) -> list[GuestRow]:
    """Boot the pair several times, and measure the last one at rest, one node after the other."""
    boots: dict[str, list[BootTimes]] = {role: [] for role in ROLES}
    with open_cloud(tree) as cloud:
        for number in range(repetitions):
            create_pair(cloud, tree, dialect)
            for role in ROLES:
                guest = find_guest(cloud, role)
                wait_until_booted(build_runner(cloud, guest))
                boots[role].append(read_boot_times(find_init(cloud, guest), build_runner(cloud, guest)))
            after = ", ".join(f"{role} {times[-1].after_cloud_init:.2f} s" for role, times in boots.items())
            report(f"{image}, boot {number + 1} of {repetitions}: SUCCESS after cloud-init: {after}")
            if number + 1 < repetitions:
                cloud.stacks.wait(cloud.stacks.delete(STACK), CREATE_TIMEOUT_S)
        report(f"{image}: at rest, {SETTLE_S + idle_s * len(ROLES):.0f} s")
        time.sleep(SETTLE_S)
        return [
            GuestRow(image, role, tuple(times), *measure_guest(cloud, find_guest(cloud, role), idle_s))
            for role, times in boots.items()
        ]


def measure_guest(cloud: GuestCloud, guest: str, idle_s: float) -> tuple[RestCosts, Mapping[str, float]]:
    """Return a guest's costs at rest, and the exposure of our units."""
    init = find_init(cloud, guest)
    record = get_hypervisor(cloud).find_folder(guest) / CGROUP_RECORD
    cgroups = [Path(line) for line in record.read_text().splitlines()]
    rest = measure_rest(init, cgroups, idle_s)
    return rest, read_exposure(build_runner(cloud, guest), (AGENT, COLLECTOR))


@contextmanager
def open_cloud(tree: ImageTree) -> Iterator[GuestCloud]:
    """Run a cloud of containers below a temporary folder."""
    with (
        open_subnet() as subnet,
        tempfile.TemporaryDirectory(prefix="guestagent-bench-") as folder,
        open_container_cloud(subnet, Path(folder) / "state", tree) as cloud,
    ):
        yield cloud


def create_pair(cloud: GuestCloud, tree: ImageTree, dialect: Dialect) -> None:
    """Create a source with a replica, which poll Heat as often as by default."""
    node = Node(flavor="m1.small", image=f"guestagent-{tree.family}")
    cluster = Cluster.new(source=node, replicas=[node], dialect=dialect, subnet=SUBNET_ID)
    stack = cloud.stacks.wait(cloud.stacks.create(STACK, cluster), CREATE_TIMEOUT_S)
    assert stack.status == "CREATE_COMPLETE", stack.reason


def wait_until_booted(run: RunInGuest) -> None:
    """Wait until the guest's systemd has no more jobs, as `systemd-analyze` requires."""
    deadline = time.monotonic() + BOOT_TIMEOUT_S
    while (state := run(("sh", "-c", "systemctl is-system-running || :")).strip()) != "running":
        assert time.monotonic() < deadline, f"the guest is still {state}"
        time.sleep(POLL_INTERVAL_S)


def find_guest(cloud: GuestCloud, role: str) -> str:
    return cloud.find_guest(f"{STACK}-{ROLES[role]}")


def find_init(cloud: GuestCloud, guest: str) -> int:
    init = get_hypervisor(cloud).find_init(guest)
    assert init is not None, f"guest {guest} does not run"
    return init


def get_hypervisor(cloud: GuestCloud) -> ContainerHypervisor:
    assert isinstance(cloud.hypervisor, ContainerHypervisor)
    return cloud.hypervisor


def build_runner(cloud: GuestCloud, guest: str) -> RunInGuest:
    """Return a function that runs a command in the guest and returns its output."""

    def run(argv: Sequence[str]) -> str:
        completed = cloud.hypervisor.run_command(guest, argv)
        assert completed.returncode == 0, completed
        return completed.stdout

    return run
