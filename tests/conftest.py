"""What every test may ask for: hypothesis without deadlines, the mark by folder, a subnet of its own."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import hypothesis
import psutil
import pytest

_INTEGRATION = tuple(Path(__file__).parent / name for name in ("integration", "failures", "faults", "heat"))
_LOCKS = Path("/tmp/guestagent-test-subnets")

hypothesis.settings.register_profile("person", deadline=None)
# The same examples in every run: a submission must not fail for what another one wrote.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "person")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in _INTEGRATION):
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def free_subnet() -> Iterator[IPv4Network]:
    """A subnet of this test's own."""
    with subnet_of_its_own() as subnet:
        yield subnet


@contextmanager
def subnet_of_its_own() -> Iterator[IPv4Network]:
    """A 10.77.N.0/24 that no other test on this machine holds at this time, in whatever process it runs."""
    _LOCKS.mkdir(exist_ok=True)
    for number in range(1, 255):
        with (_LOCKS / str(number)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            subnet = IPv4Network(f"10.77.{number}.0/24")
            if _is_there(subnet):  # a run that was killed has left its bridge
                continue
            yield subnet
            return
    pytest.fail("every 10.77.N.0/24 is taken by another test")


def _is_there(subnet: IPv4Network) -> bool:
    addresses = (each for link in psutil.net_if_addrs().values() for each in link if each.family == socket.AF_INET)
    return any(IPv4Address(each.address) in subnet for each in addresses)
