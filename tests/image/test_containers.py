"""One guest as a container of an image: what it gets, how it ends and starts again, and what a sweep leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from guestagent.embedded.containers import ContainerHypervisor, ImageTree, open_image_tree
from guestagent.embedded.guests.namespace_processes import NAMESPACE_FOLDER
from guestagent.embedded.guests.network import build_link_names
from guestagent.embedded.image_trees import MARIADB_RECIPE, provide_tree
from guestagent.embedded.openstack.nova.hypervisor import Guest, GuestSize
from guestagent.errors import CloudError, UnsupportedEnvironment
from tests.support.container_guests import build_guest
from tests.support.polling import wait_until
from tests.support.subnets import open_subnet

pytestmark = pytest.mark.timeout(900)

REPOSITORY = Path(__file__).parents[2]
BOOT_TIMEOUT_S = 180.0
SCRIPT = b"#!/bin/sh\nhostname >> /root/runs\n"
KILLED_PROGRAM = """
import os, signal, sys
from pathlib import Path
from guestagent.embedded.containers import ContainerHypervisor, open_image_tree
from tests.support.container_guests import build_guest
state, bridge, gateway, prefix, tree = sys.argv[1:]
hypervisor = ContainerHypervisor(Path(state), bridge, gateway, int(prefix), open_image_tree(Path(tree)))
hypervisor.open()
hypervisor.boot(build_guest(gateway=gateway))
os.kill(os.getpid(), signal.SIGKILL)
"""
NUMBER_FORMAT = "4f6a0000-0000-0000-0000-{:012}"


@dataclass(frozen=True, slots=True)
class ContainerNetwork:
    """A hypervisor and its subnet. A guest's number is part of its id, its name and its address."""

    hypervisor: ContainerHypervisor
    bridge: str
    subnet: IPv4Network | IPv6Network

    def build_guest(self, number: int) -> Guest:
        return build_guest(
            id=NUMBER_FORMAT.format(number),
            name=f"db-Node{number}-x",
            address=str(self.subnet[10 + number]),
            prefix=self.subnet.prefixlen,
            gateway=str(self.subnet[1]),
            user_data=SCRIPT,
        )

    def boot(self, number: int) -> str:
        guest = self.build_guest(number)
        self.hypervisor.boot(guest)
        self.wait_until_running(guest.id)
        return guest.id

    def run(self, guest_id: str, *words: str) -> str:
        completed = self.hypervisor.run_command(guest_id, words)
        assert completed.returncode == 0, completed
        return completed.stdout.strip()

    def wait_until_running(self, guest_id: str) -> None:
        """Wait for the end of the boot. A guest that has just been started may not answer yet."""

        states = ("running", "degraded")
        wait_until(
            lambda: self.try_command(guest_id, "systemctl", "is-system-running") in states, BOOT_TIMEOUT_S
        )

    def try_command(self, guest_id: str, *words: str) -> str:
        """Run a command in a guest that may be off, or between two boots; return its output, or ""."""
        try:
            return self.hypervisor.run_command(guest_id, words).stdout.strip()
        except CloudError:
            return ""


@pytest.fixture(scope="module")
def tree() -> ImageTree:
    """The tree of the image with MariaDB."""
    try:
        return open_image_tree(provide_tree(MARIADB_RECIPE, print))
    except UnsupportedEnvironment as lack:
        pytest.skip(str(lack))


@pytest.fixture(scope="module")
def network(tree: ImageTree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerNetwork]:
    with open_subnet() as subnet:
        bridge = f"gac{str(subnet).split('.')[2]}"
        state = tmp_path_factory.mktemp("containers") / "state"
        hypervisor = ContainerHypervisor(state, bridge, str(subnet[1]), subnet.prefixlen, tree)
        hypervisor.open()
        yield ContainerNetwork(hypervisor, bridge, subnet)
        hypervisor.close()


@pytest.fixture(scope="module")
def guest(network: ContainerNetwork) -> str:
    """The guest that most tests share."""
    return network.boot(1)


def test_every_unit_of_a_guest_runs_and_cloud_init_has_run_its_user_data(
    network: ContainerNetwork, guest: str
) -> None:
    assert network.run(guest, "systemctl", "--failed", "--no-legend") == ""
    assert network.run(guest, "cat", "/root/runs") == "db-node1-x"
    assert network.run(guest, "cat", "/var/lib/cloud/data/instance-id") == guest


def test_a_guest_has_the_metadata_of_its_server(network: ContainerNetwork, guest: str) -> None:
    metadata = json.loads(network.run(guest, "cloud-init", "query", "ds.meta_data.meta"))

    assert metadata == {"role": "db"}


def test_a_guest_has_its_address_and_a_default_route(network: ContainerNetwork, guest: str) -> None:
    assert network.run(guest, "hostname", "--all-ip-addresses") == str(network.subnet[11])
    assert f"default via {network.subnet[1]} dev eth0" in network.run(guest, "ip", "route")


def test_a_guest_resolves_its_own_name(network: ContainerNetwork, guest: str) -> None:
    name = network.run(guest, "hostname")

    assert name in network.run(guest, "getent", "hosts", name).split()
    assert "127.0.1.1" in network.run(guest, "grep", name, "/etc/hosts")


def test_other_users_cannot_read_the_config_drive(network: ContainerNetwork, guest: str) -> None:
    answer = network.hypervisor.run_command(guest, ("runuser", "-u", "nobody", "--", "ls", "/config-drive"))

    assert answer.returncode != 0
    assert "Permission denied" in answer.stderr


def test_the_agents_status_is_of_this_boot(network: ContainerNetwork, guest: str) -> None:
    def read_status() -> str:
        return network.hypervisor.run_command(guest, ("guestagent", "status")).stdout

    wait_until(lambda: "looked" in read_status() and "never" not in read_status(), BOOT_TIMEOUT_S)

    assert "before a reboot" not in read_status()


def test_a_guest_that_reboots_itself_comes_back(network: ContainerNetwork, guest: str) -> None:
    read_boot_id = ("cat", "/proc/sys/kernel/random/boot_id")
    boot_id = network.run(guest, *read_boot_id)

    network.hypervisor.run_command(guest, ("systemctl", "reboot"))

    wait_until(lambda: network.try_command(guest, *read_boot_id) not in ("", boot_id), BOOT_TIMEOUT_S)
    network.wait_until_running(guest)
    assert network.run(guest, "cat", "/root/runs") == "db-node1-x"


def test_what_was_committed_survives_a_power_cut(network: ContainerNetwork, guest: str) -> None:
    network.run(guest, "mariadb", "--execute", "SET SQL_LOG_BIN = 0; CREATE DATABASE kept")

    network.hypervisor.cut_power(guest)
    assert not network.hypervisor.is_running(guest)
    network.hypervisor.reboot(guest)

    network.wait_until_running(guest)
    assert "kept" in network.run(guest, "mariadb", "--execute", "SHOW DATABASES")


def test_a_resized_guest_gives_its_agent_more_memory(network: ContainerNetwork, guest: str) -> None:
    network.hypervisor.resize(guest, GuestSize("m1.medium", 2, 512))

    network.wait_until_running(guest)
    assert "memory_mb = 512" in network.run(guest, "cat", "/etc/guestagent/guestagent.conf")


def test_a_copy_is_another_instance_on_the_same_disk(network: ContainerNetwork, guest: str) -> None:
    copy = network.build_guest(2)

    network.hypervisor.boot_copy(copy, guest)

    network.wait_until_running(copy.id)
    assert network.run(copy.id, "cat", "/var/lib/cloud/data/instance-id") == copy.id
    assert network.run(copy.id, "cat", "/root/runs") == "db-node1-x\ndb-node2-x"
    assert network.run(copy.id, "hostname", "--all-ip-addresses") == copy.address
    assert network.hypervisor.is_running(guest)
    network.hypervisor.destroy(copy.id)


def test_a_server_of_another_product_does_not_boot(network: ContainerNetwork) -> None:
    with pytest.raises(CloudError, match="which has mariadb: use guestagent-mariadb"):
        network.hypervisor.boot(build_guest(image="guestagent-mysql"))

    assert not network.hypervisor.find_folder(build_guest().id).exists()


def test_another_process_sweeps_what_a_killed_one_left(tree: ImageTree, tmp_path: Path) -> None:
    state, bridge = tmp_path / "state", "gatest-sweep"
    with open_subnet() as subnet:
        hypervisor = ContainerHypervisor(state, bridge, str(subnet[1]), subnet.prefixlen, tree)
        words = (str(state), bridge, str(subnet[1]), str(subnet.prefixlen), str(tree.folder))
        ended = subprocess.run((sys.executable, "-c", KILLED_PROGRAM, *words), check=False, cwd=REPOSITORY)
        assert ended.returncode == -9
        [guest_id] = hypervisor.list_guests()
        groups = [Path(line) for line in (hypervisor.find_folder(guest_id) / "cgroups").read_text().split()]
        assert hypervisor.is_running(guest_id)
        assert groups
        assert all(group.is_dir() for group in groups)

        hypervisor.sweep()

    namespace = build_link_names(bridge, guest_id).namespace
    assert not hypervisor.is_running(guest_id)
    assert not any(group.exists() for group in groups)
    assert not hypervisor.find_folder(guest_id).exists()
    assert not (NAMESPACE_FOLDER / namespace).exists()
    assert not Path("/sys/class/net", bridge).exists()


def test_a_guest_of_an_ipv6_network_has_its_address_and_route(tree: ImageTree, tmp_path: Path) -> None:
    subnet = IPv6Network("fd00:77:99::/64")
    hypervisor = ContainerHypervisor(tmp_path / "state", "gatest-six", str(subnet[1]), 64, tree)
    network = ContainerNetwork(hypervisor, "gatest-six", subnet)
    hypervisor.open()
    try:
        guest = network.boot(4)

        assert str(subnet[14]) in network.run(guest, "hostname", "--all-ip-addresses").split()
        assert f"default via {subnet[1]} dev eth0" in network.run(guest, "ip", "-6", "route")
    finally:
        hypervisor.close()
