"""The next test in a subnet removes the remains of a killed one, and nothing else."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import psutil

from tests.support.subnets import LINKS, remove_all_leftovers, remove_leftovers


@contextmanager
def create_leftover(subnet: IPv4Network, bridge: str, alias: str = "") -> Iterator[psutil.Process]:
    """A bridge, a network namespace on it, and a process in there."""
    number = str(subnet.network_address).split(".")[2]
    namespace, link = f"guestagent-left{number}", f"galeft{number}"
    ip("link", "add", bridge, "type", "bridge")
    ip("address", "add", f"{subnet[1]}/24", "dev", bridge)
    if alias:
        ip("link", "set", bridge, "alias", alias)
    ip("netns", "add", namespace)
    ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip("link", "set", link, "master", bridge)
    with subprocess.Popen(("ip", "netns", "exec", namespace, "sleep", "600")) as guest:
        try:
            while not Path(f"/proc/{guest.pid}/ns/net").samefile(f"/run/netns/{namespace}"):
                time.sleep(0.01)
            yield psutil.Process(guest.pid)
        finally:
            guest.kill()
            for words in (("netns", "delete", namespace), ("link", "delete", bridge)):
                subprocess.run(("ip", *words), check=False, capture_output=True)


def ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


def get_number(subnet: IPv4Network) -> int:
    return int(str(subnet.network_address).split(".")[2])


def test_the_guests_of_a_killed_test_end_and_its_bridge_goes(free_subnet: IPv4Network) -> None:
    bridge = f"gac{get_number(free_subnet)}"
    with create_leftover(free_subnet, bridge) as guest:
        remove_leftovers(get_number(free_subnet))

        assert guest.status() == psutil.STATUS_ZOMBIE, "its parent is this test"
        assert not (LINKS / bridge).exists()
        assert not Path(f"/run/netns/guestagent-left{get_number(free_subnet)}").exists()


def test_a_cloud_of_a_person_stays_whatever_it_is_called(free_subnet: IPv4Network) -> None:
    bridge = f"ga-demo{get_number(free_subnet)}"
    with create_leftover(free_subnet, bridge, "guestagent /var/lib/guestagent-cloud/demo5") as guest:
        remove_leftovers(get_number(free_subnet))

        assert guest.is_running()
        assert (LINKS / bridge).exists()


def test_a_living_test_keeps_what_it_has(free_subnet: IPv4Network) -> None:
    bridge = f"gac{get_number(free_subnet)}"
    with create_leftover(free_subnet, bridge) as guest:
        remove_all_leftovers()

        assert guest.is_running()
        assert (LINKS / bridge).exists()
