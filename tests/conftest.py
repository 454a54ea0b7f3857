"""For all tests: hypothesis without deadlines, which tests run and in which order, and a subnet for a test."""

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

from tests.environment import clean_environment
from tests.support.selection import is_left_to_test_all, start_order, worker_group

_INTEGRATION = tuple(Path(__file__).parent / name for name in ("integration", "failures", "faults", "heat"))
_LOCKS = Path("/tmp/guestagent-test-subnets")

_clean = clean_environment(os.environ)
os.environ.clear()
os.environ.update(_clean)

hypothesis.settings.register_profile("person", deadline=None)
# The same examples in every run: a submission must not fail for what another one wrote.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "person")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="run also what only `make test-all` runs: every server, patient tests"
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    if not config.getoption("--all") and not is_named(config):
        left_out = [item for item in items if is_left_to_test_all(item)]
        items[:] = [item for item in items if not is_left_to_test_all(item)]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in _INTEGRATION):
            item.add_marker(pytest.mark.integration)
        if (group := worker_group(item)) is not None:
            item.add_marker(pytest.mark.xdist_group(group))
    yield  # pytest gathers the tests of one server, and xdist reads the groups
    items.sort(key=start_order)


def is_named(config: pytest.Config) -> bool:
    """Whether the command line names single tests, which then run in any case."""
    return any("::" in argument for argument in config.args)


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
