"""Which tests a run selects, in which order they start, and which of them share a worker process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from guestagent.embedded.servers import FLAVOURS

TESTS = Path(__file__).parents[1]

REPRESENTATIVES = frozenset({"mariadb118", "mysql97"})
"""One server of each family: enough wherever the servers of a family give the same answer."""

SLOWEST_FIRST = (
    "heat/test_life.py",
    "heat/test_faults.py",
    "heat",
    "integration/test_openstack_tests.py",
    "integration/test_life.py",
    "integration/test_docs.py",
    "integration/test_cluster_rotation.py",
    "integration/test_rotation.py",
    "integration/test_configuration.py",
    "integration/test_tls.py",
    "integration/test_agent.py",
    "failures",
    "integration/test_doctor.py",
    "integration/test_clients.py",
    "integration/test_cluster.py",
    "integration/test_demo.py",
    "integration",
    "contract",
    "faults",
)
"""Files and folders with long tests, the longest first, so that all workers end together. The rest is short."""


def is_left_to_test_all(item: pytest.Item) -> bool:
    """Whether `make test-all` runs the test and `make test` does not."""
    if item.get_closest_marker("patient") is not None:
        return True
    server = server_of(item)
    if server is None or item.get_closest_marker("every_server") is not None:
        return False
    return server not in REPRESENTATIVES


def start_order(item: pytest.Item) -> int:
    """The test's place: the index of its file or folder in SLOWEST_FIRST."""
    for place, name in enumerate(SLOWEST_FIRST):
        if item.path.is_relative_to(TESTS / name):
            return place
    return len(SLOWEST_FIRST)


def worker_group(item: pytest.Item) -> str | None:
    """The name of the group whose tests run in one worker, as they share servers; None if the test shares none."""
    if item.get_closest_marker("xdist_group") is not None:
        return None  # it names its group itself
    if item.path.is_relative_to(TESTS / "heat"):  # a real Heat is heavy: there are two at a time at the most
        return "heat-life" if item.path.stem == "test_life" else "heat"
    server = server_of(item)
    return None if server is None else f"{shared_by(item)}-{server}"


def shared_by(item: pytest.Item) -> str:
    """What shares one set of servers: a file, or the whole folder of the database tests."""
    folder = item.path.parent
    return folder.name if folder.name == "database" else item.path.stem


def server_of(item: pytest.Item) -> str | None:
    """The name of the database server that the test's parameters ask for."""
    found = (_server_name(value) for value in _parameters(item))
    return next((name for name in found if name is not None), None)


def _parameters(item: pytest.Item) -> Iterable[object]:
    spec = getattr(item, "callspec", None)
    return () if spec is None else (spec.params.get(name) for name in ("flavour", "server_name"))


def _server_name(value: object) -> str | None:
    name = getattr(value, "name", value)
    return name if isinstance(name, str) and name in FLAVOURS else None
