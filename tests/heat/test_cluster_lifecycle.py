"""Cluster lifecycles on a real Heat, in both template formats and with MySQL.

They run at the same time, because they mostly wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import openstack
import pytest

from guestagent.controller import Dialect, Node
from guestagent.controller.heat_api import Stack
from guestagent.controller.passwords import Passwords
from guestagent.embedded.database_servers import FLAVOURS, provide_data_directory
from guestagent.errors import CloudError, DeadlineExceeded
from tests.heat.operator_requests import list_events
from tests.heat.stuck_stack import describe_stuck_stack
from tests.support.cluster_lifecycle import build_cluster, run_lifecycle, run_short_lifecycle
from tests.support.guest_cloud import GuestCloud
from tests.support.replica_position import MYSQL

pytestmark = pytest.mark.timeout(900)

LIFECYCLE_TIMEOUT_S = 400.0
MYSQL_NODE = Node(flavor="m1.tiny", image="guestagent-mysql")
Lifecycle = Callable[[GuestCloud, str], None]
# One with passwords that Heat generates, and one with hidden parameters, which new nodes add in an update.
LIFECYCLES: Mapping[str, Lifecycle] = {
    "cfn": partial(
        run_lifecycle, dialect=Dialect.CFN, timeout_s=LIFECYCLE_TIMEOUT_S, passwords=Passwords.PARAMETERS
    ),
    "hot": partial(
        run_lifecycle, dialect=Dialect.HOT, timeout_s=LIFECYCLE_TIMEOUT_S, passwords=Passwords.HEAT
    ),
    "mysql": partial(
        run_short_lifecycle,
        dialect=Dialect.HOT,
        timeout_s=LIFECYCLE_TIMEOUT_S,
        node=MYSQL_NODE,
        queries=MYSQL,
    ),
}


@pytest.fixture(scope="module")
def lifecycles(real_heat: GuestCloud, folder: Path) -> Iterator[Mapping[str, Future[None]]]:
    """Start every lifecycle, each with its own stack and its own controller."""
    # Download it before a stack waits for it.
    provide_data_directory(FLAVOURS["mysql97"], print)

    def run(name: str, lifecycle: Lifecycle) -> None:
        with openstack.connect(**real_heat.server.connect) as connection:
            cloud = GuestCloud(real_heat.server, real_heat.hypervisor, real_heat.bridge, connection)
            try:
                lifecycle(cloud, name)
            except DeadlineExceeded as error:
                raise AssertionError(f"{error}\n{describe_stuck_stack(cloud, name, folder)}") from error
            finally:
                with suppress(CloudError):
                    cloud.stacks.delete(name)

    with ThreadPoolExecutor(len(LIFECYCLES)) as pool:
        yield {kind: pool.submit(run, f"life-{kind}", lifecycle) for kind, lifecycle in LIFECYCLES.items()}


@pytest.mark.parametrize("dialect", Dialect)
def test_a_mariadb_cluster_completes_its_lifecycle(
    lifecycles: Mapping[str, Future[None]], dialect: Dialect
) -> None:
    lifecycles[dialect.value].result()


def test_a_mysql_cluster_completes_a_short_lifecycle(lifecycles: Mapping[str, Future[None]]) -> None:
    lifecycles["mysql"].result()


@pytest.fixture(scope="module")
def failed_stack(real_heat: GuestCloud) -> Iterator[Stack]:
    """A failed stack: one of its two replicas has a wrong password."""

    def spoil(resources: dict[str, Any]) -> None:
        resources["Slave0000"]["Metadata"]["Master"]["User"]["password"] = "mistaken-1"

    real_heat.launch("broken", build_cluster(2, Dialect.CFN, deadline=20, boot_allowance=60), spoil)
    yield real_heat.wait_until_ended("broken", LIFECYCLE_TIMEOUT_S)
    real_heat.stacks.delete("broken")


def test_the_stack_gives_the_reason_of_a_replica_that_cannot_connect(failed_stack: Stack) -> None:
    assert failed_stack.status == "CREATE_FAILED"
    assert "WaitConditionFailure" in failed_stack.reason
    assert "slave0000" in failed_stack.reason
    assert "mistaken-1" not in failed_stack.reason


def test_no_replica_is_created_before_every_handle_exists(real_heat: GuestCloud, failed_stack: Stack) -> None:
    """A signal that arrives while Heat creates a handle can hang the stack."""
    events = list_events(real_heat, failed_stack.name)

    handles = [events.index(("CREATE_COMPLETE", f"Slave000{number}ReadyWaitCondHandle")) for number in (0, 1)]
    servers = [events.index(("CREATE_IN_PROGRESS", f"Slave000{number}")) for number in (0, 1)]
    assert max(handles) < min(servers)
