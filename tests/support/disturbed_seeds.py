"""What happens to a cluster while a replica is seeded: cut networks, new addresses, templates that change meanwhile."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from guestagent.embedded.guests.network import build_link_names
from guestagent.embedded.guests.services import build_control_command
from guestagent.seeding import SeedPhase
from tests.support.cluster_lifecycle import list_accounts
from tests.support.guest_cloud import GuestCloud
from tests.support.network_link import UNUSED_MAC, run_ip
from tests.support.polling import wait_until
from tests.support.seeded_cluster import SeededCluster

UPDATE_TIMEOUT_MINUTES = 10


def wait_for_bytes(cluster: SeededCluster) -> None:
    """Wait until some of the replica's data have come."""

    def has_bytes() -> bool:
        state = cluster.read_seed_state()
        assert state is None or not state.phase.has_ended, cluster.collect_evidence()
        return state is not None and state.phase is SeedPhase.TRANSFERRING and state.bytes_done > 0

    wait_until(has_bytes, timeout_s=120)


def wait_for_failure(cluster: SeededCluster, text: str = "") -> None:
    """Wait until an attempt has failed, for a reason with this text."""

    def has_failed() -> bool:
        state = cluster.read_seed_state()
        return state is not None and bool(state.failure) and text in state.failure

    wait_until(has_failed, timeout_s=120)


def wait_for_stillness(cluster: SeededCluster) -> None:
    """Wait until no more bytes come: what was on its way has arrived."""
    counts: list[int] = []

    def is_still() -> bool:
        state = cluster.read_seed_state()
        counts.append(0 if state is None else state.bytes_done)
        time.sleep(1.5)  # longer than the interval in which the state is written
        return len(counts) > 1 and counts[-1] == counts[-2]

    wait_until(is_still)


def find_address(cloud: GuestCloud, guest: str) -> str:
    return str(cloud.server.cloud.compute.servers[guest].address)


def find_namespace(cloud: GuestCloud, guest: str) -> str:
    return build_link_names(cloud.bridge, guest).namespace


@contextmanager
def cut_network(cloud: GuestCloud, one: str, other: str) -> Iterator[None]:
    """Drop every packet between two guests during the block, as a firewall does. Both still reach the cloud."""
    with (
        cut_address(cloud, one, find_address(cloud, other)),
        cut_address(cloud, other, find_address(cloud, one)),
    ):
        yield


@contextmanager
def cut_address(cloud: GuestCloud, guest: str, address: str) -> Iterator[None]:
    """Drop every packet of the guest to this address during the block."""
    namespace = find_namespace(cloud, guest)
    words = ("neigh", "replace", address, "lladdr", UNUSED_MAC, "nud", "permanent", "dev", "eth0")
    run_ip("-n", namespace, *words)
    try:
        yield
    finally:
        run_ip("-n", namespace, "neigh", "del", address, "dev", "eth0")


def add_address(cloud: GuestCloud, guest: str, address: str) -> None:
    """Give the guest another address of its network, beside its own."""
    run_ip("-n", find_namespace(cloud, guest), "address", "add", f"{address}/24", "dev", "eth0")


@contextmanager
def stop_service(cloud: GuestCloud, guest: str, service: str) -> Iterator[None]:
    """Stop a service of the guest during the block."""
    for action in ("stop", "start"):
        answer = cloud.hypervisor.run_command(guest, build_control_command(action, service))
        assert answer.returncode == 0, answer
        if action == "stop":
            yield


def change_source_address(template: object, node: str, address: str) -> dict[str, Any]:
    """Return the template with this address of the source in a replica's metadata."""
    assert isinstance(template, dict)
    changed = copy.deepcopy(template)
    changed["Resources"][node]["Metadata"]["Master"]["Address"] = address
    return changed


def update_meanwhile(cluster: SeededCluster, template: dict[str, Any]) -> None:
    """Update the stack while an update of it is in progress: Heat then cancels that one."""
    cloud = cluster.cloud
    cloud.heat.update(cloud.heat.stacks(cluster.name)[0], template, UPDATE_TIMEOUT_MINUTES)


def list_donor_accounts(cluster: SeededCluster, guest: str) -> list[str]:
    return [name for name in list_accounts(cluster.cloud, guest) if "donor" in name]


def is_donor_running(cluster: SeededCluster) -> bool:
    """Return whether the source's donor service runs."""
    command = ["pgrep", "-f", "donor serve"]
    return cluster.cloud.hypervisor.run_command(cluster.source, command).returncode == 0


def wait_until_donor_is_gone(cluster: SeededCluster) -> None:
    """Wait until the source has neither a donor's port nor its account."""
    wait_until(lambda: not list_donor_accounts(cluster, cluster.source), timeout_s=60)
    wait_until(lambda: not is_donor_running(cluster), timeout_s=60)
