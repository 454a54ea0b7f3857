"""A subnet for each test that needs one, and the removal of the remains of killed tests.

`python -m tests.support.subnets` cleans all of them. A subnet whose lock is held belongs to a running test of any
checkout, and is not changed.
"""

from __future__ import annotations

import fcntl
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import psutil

from guestagent.embedded.guests import namespace_processes
from guestagent.embedded.guests.volume_files import VolumeFiles
from guestagent.retry import SystemClock

LOCKS = Path("/tmp/guestagent-test-subnets")
LINKS = Path("/sys/class/net")
NUMBERS = range(1, 255)
# Bridges of tests: those of hypervisors, and those of `guestagent cloud` and `guestagent demo` in temporary folders.
HYPERVISORS = ("gac", "gah", "gatest")
CLOUDS = ("ga-demo", "ga-test")
TEMPORARY = re.compile(r"guestagent (?P<state>/.+/(pytest-of-[^/]+|guestagent-[^/]+-heat)/.+)")


@contextmanager
def open_subnet() -> Iterator[IPv4Network]:
    """Reserve a 10.77.N.0/24 that no other test on this machine uses, in any process."""
    for number in NUMBERS:
        with _try_lock(number) as is_locked:
            subnet = IPv4Network(f"10.77.{number}.0/24")
            if is_locked and not _is_used(subnet):
                yield subnet
                return
    raise RuntimeError("every 10.77.N.0/24 is in use, by tests or by something else on this machine")


def remove_all_leftovers() -> None:
    """Stop and remove what killed tests left in every subnet."""
    for number in NUMBERS:
        if _list_bridges(number):
            with _try_lock(number):
                pass


@contextmanager
def _try_lock(number: int) -> Iterator[bool]:
    """Yield whether this process has locked the subnet; if so, remove what a killed test left in it."""
    LOCKS.mkdir(exist_ok=True)
    with (LOCKS / str(number)).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        remove_leftovers(number)
        yield True


def remove_leftovers(number: int) -> None:
    """Stop and remove what a killed test left in this subnet, which the caller must have locked."""
    for bridge in _list_bridges(number):
        _remove_bridge(bridge)


def _list_bridges(number: int) -> list[str]:
    names = [f"{prefix}{number}" for prefix in (*HYPERVISORS, *CLOUDS)]
    return [name for name in names if (LINKS / name).exists()]


def _remove_bridge(bridge: str) -> None:
    """Remove a bridge with its guests and its cloud, unless it belongs to a person or its guests are not visible here.

    Guests of a gate that ran in namespaces of its own (tools/contain) ended with that.
    """
    links = json.loads(_run_ip("-json", "link", "show"))
    alias = next((link.get("ifalias", "") for link in links if link["ifname"] == bridge), "")
    state = TEMPORARY.fullmatch(alias)
    if bridge.startswith(CLOUDS) and not state:
        return
    guests = [
        f"guestagent-{link['ifname'].removeprefix('ga')}" for link in links if link.get("master") == bridge
    ]
    if not all((namespace_processes.NAMESPACE_FOLDER / guest).exists() for guest in guests):
        return
    if bridge.startswith(CLOUDS) and state:
        words = ("--name", bridge.removeprefix("ga-"), "--state", state["state"])
        clouds_file = ("--clouds-file", f"{state['state']}/clouds.yaml")
        subprocess.run(
            (sys.executable, "-m", "guestagent", "cloud", "down", *words, *clouds_file), check=False
        )
    for guest in guests:
        namespace_processes.kill_processes(guest, SystemClock())
        _run_ip("netns", "delete", guest)
    if state:
        VolumeFiles(Path(state["state"])).sweep()
    _run_ip("link", "delete", bridge)


def _run_ip(*words: str) -> str:
    """Return the output of `ip`. A link that it should remove may already be gone."""
    return subprocess.run(("ip", *words), capture_output=True, text=True, check=False).stdout


def _is_used(subnet: IPv4Network) -> bool:
    addresses = (
        each for link in psutil.net_if_addrs().values() for each in link if each.family == socket.AF_INET
    )
    return any(IPv4Address(each.address) in subnet for each in addresses)


if __name__ == "__main__":
    remove_all_leftovers()
