"""For all tests: hypothesis without deadlines, which tests run and in which order, and a subnet for a test."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer

from tests.support.environment import filter_environment
from tests.support.scheduling import SharedServerScheduler
from tests.support.selection import get_start_order, is_left_to_test_all, select_share
from tests.support.subnets import open_subnet

# The cases of a contract are imported, and shall show what they compared.
pytest.register_assert_rewrite("tests.support.store_contract")

_INTEGRATION = tuple(
    Path(__file__).parent / name
    for name in ("integration", "failures", "faults", "heat", "image", "real_cloud")
)

_environment = filter_environment(os.environ)
os.environ.clear()
os.environ.update(_environment)

hypothesis.settings.register_profile("person", deadline=None)
# The same examples in every run: a submission must not fail because of another one.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "person")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all",
        action="store_true",
        help="run also what only `make test-all` runs: every server, patient tests",
    )
    parser.addoption(
        "--share",
        type=int,
        default=1,
        metavar="N",
        help="of each test with several cases, run only every Nth case, beginning with the first",
    )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharedServerScheduler:
    return SharedServerScheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from the tests and their modules, none of which ends before the process."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)  # after pytest has grouped the tests by server
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--all") and not is_named(config):
        deselected = [item for item in items if is_left_to_test_all(item)]
        items[:] = [item for item in items if not is_left_to_test_all(item)]
        config.hook.pytest_deselected(items=deselected)
    selected = select_share((item.nodeid for item in items), config.getoption("--share"))
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in selected])
    items[:] = sorted((item for item in items if item.nodeid in selected), key=get_start_order)
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in _INTEGRATION):
            item.add_marker(pytest.mark.integration)


def is_named(config: pytest.Config) -> bool:
    """Return whether the command line names single tests, which then always run."""
    return any("::" in argument for argument in config.args)


@pytest.fixture
def free_subnet() -> Iterator[IPv4Network]:
    """A subnet that only this test uses."""
    with open_subnet() as subnet:
        yield subnet
