"""Selection of tests, the order in which they start, and the tests that share a worker process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS
from tests.support.image_recipes import IMAGE_RECIPES

TESTS = Path(__file__).parents[1]

REPRESENTATIVES = frozenset({"mariadb118", "mysql97"})
"""One server of each family: enough for a test whose result is the same for all servers of a family."""

SLOWEST_FIRST = (
    "heat/test_cluster_lifecycle.py",
    "heat/test_faults.py",
    "heat",
    "real_cloud",
    "image/test_cluster_in_containers.py",
    "image",
    "integration/resources/broker",
    "integration/test_openstack_tests.py",
    "integration/test_cluster_lifecycle.py",
    "integration/test_docs.py",
    "integration/test_cluster_rotation.py",
    "integration/test_joining_cluster.py",
    "integration/rotation",
    "integration/configuration",
    "integration/tls",
    "integration/verification",
    "integration/agent",
    "failures",
    "integration/test_doctor.py",
    "integration/test_clients.py",
    "integration/test_cluster.py",
    "integration/test_demo.py",
    "integration",
    "contract",
    "faults",
)
"""Files and folders with long tests, the longest first, so that all workers end together. All others are short."""

SHARED_IN_FILE = frozenset(
    {
        "test_clients.py",
        "test_cloud_contract.py",
        "test_contract.py",
        "test_elements_install.py",
        "test_elements_rpm.py",
        "test_openstack_tests.py",
        "test_packaging.py",
        "test_pause.py",
        "test_signals.py",
        "test_virtual_machines.py",  # two clusters at once would share the processors, and take twice as long
    }
)
"""Files whose tests share something that takes seconds to create, independent of their parameters."""

SHARED_IN_FOLDER = frozenset({"integration/resident_agent", "integration/resources/broker"})
"""Folders whose tests share such a thing across files."""

SERVERS_SHARED_IN_FOLDER = frozenset(
    f"integration/{name}" for name in ("agent", "database", "resources", "rotation", "tls", "verification")
)
"""Folders whose tests share database servers across files."""

NOTHING_SHARED = frozenset({"test_image_files.py", "test_option_file.py"})
"""Files on database servers of which each test starts its own."""

NOTHING_SHARED_IN_FOLDER = frozenset({"integration/configuration"})
"""Folders of such files."""


def is_left_to_test_all(item: pytest.Item) -> bool:
    """Return whether only `make test-all` runs the test."""
    if item.get_closest_marker("patient") is not None:
        return True
    server = get_server_name(item)
    if server is None or item.get_closest_marker("every_server") is not None:
        return False
    return server not in REPRESENTATIVES


def select_share(test_ids: Iterable[str], divisor: int) -> set[str]:
    """Return, of the cases of each test, those at the places 0, `divisor`, 2 * `divisor`, ..."""
    cases: Counter[str] = Counter()
    selected = set()
    for test_id in test_ids:
        test = test_id.partition("[")[0]
        if cases[test] % divisor == 0:
            selected.add(test_id)
        cases[test] += 1
    return selected


def get_start_order(item: pytest.Item) -> int:
    """Return the index of the test's file or folder in SLOWEST_FIRST."""
    for place, name in enumerate(SLOWEST_FIRST):
        if item.path.is_relative_to(TESTS / name):
            return place
    return len(SLOWEST_FIRST)


def get_work_unit(test_id: str) -> str:
    """Return the name of the tests that one worker runs together: those that share servers or a cloud with this one.

    It is derived from the test's id alone, because the process that distributes the tests does not collect them.
    """
    file, _, name = test_id.partition("::")
    path = Path(file)
    if path.parts[:2] == ("tests", "heat"):  # a real Heat is heavy: there are two at a time at the most
        return "life on a real Heat" if path.stem == "test_cluster_lifecycle" else "tests on a real Heat"
    if path.parts[:2] == ("tests", "image") and path.stem != "test_cluster_in_containers":
        image = next((image for image in IMAGE_RECIPES if image in name), file)
        return f"guests of {image}"
    if path.parts[:2] == ("tests", "real_cloud"):
        return "contract of real services" if path.stem == "test_contract" else "tests on real services"
    folder = "/".join(path.parts[1:-1])
    if path.name in SHARED_IN_FILE:
        return file
    if folder in SHARED_IN_FOLDER:
        return folder
    parameters = name.partition("[")[2].removesuffix("]").split("-")
    server = next((server for server in FLAVOURS if server in parameters), None)
    if server is None or path.name in NOTHING_SHARED or folder in NOTHING_SHARED_IN_FOLDER:
        return test_id
    return f"{path.parent if folder in SERVERS_SHARED_IN_FOLDER else path} on {server}"


def get_server_name(item: pytest.Item) -> str | None:
    """Return the name of the database server in the test's parameters."""
    spec = getattr(item, "callspec", None)
    values = () if spec is None else (spec.params.get(name) for name in ("flavour", "server_name"))
    names = (_server_name(value) for value in values)
    return next((name for name in names if name is not None), None)


def _server_name(value: object) -> str | None:
    name = getattr(value, "name", value)
    return name if isinstance(name, str) and name in FLAVOURS else None
