"""The main job on a real Heat, in both dialects and with MySQL, side by side: they wait more than they work."""

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
from tests.support.cluster_lifecycle import MYSQL, build_cluster, run_lifecycle, run_short_lifecycle
from tests.support.guest_cloud import GuestCloud

pytestmark = pytest.mark.timeout(480)

PATIENCE = 180.0
MYSQL_NODE = Node(flavor="m1.tiny", image="guestagent-mysql")
Life = Callable[[GuestCloud, str], None]
# One life with passwords that Heat makes, and one with hidden parameters, which new nodes bring into an update.
LIVES: Mapping[str, Life] = {
    "cfn": partial(run_lifecycle, dialect=Dialect.CFN, patience=PATIENCE, passwords=Passwords.PARAMETERS),
    "hot": partial(run_lifecycle, dialect=Dialect.HOT, patience=PATIENCE, passwords=Passwords.HEAT),
    "mysql": partial(
        run_short_lifecycle, dialect=Dialect.HOT, patience=PATIENCE, node=MYSQL_NODE, words=MYSQL
    ),
}


@pytest.fixture(scope="module")
def lives(real_heat: GuestCloud, folder: Path) -> Iterator[Mapping[str, Future[None]]]:
    """All lives, begun; each in a stack and with a controller of its own."""
    provide_data_directory(
        FLAVOURS["mysql97"], print
    )  # fetched where it is missing, before a stack waits for it

    def begin(name: str, life: Life) -> None:
        with openstack.connect(**real_heat.server.connect) as connection:
            own = GuestCloud(real_heat.server, real_heat.hypervisor, real_heat.bridge, connection)
            try:
                life(own, name)
            except DeadlineExceeded as error:
                raise AssertionError(f"{error}\n{describe_stuck_stack(own, name, folder)}") from error
            finally:
                with suppress(CloudError):
                    own.stacks.delete(name)

    with ThreadPoolExecutor(len(LIVES)) as pool:
        yield {kind: pool.submit(begin, f"life-{kind}", life) for kind, life in LIVES.items()}


@pytest.mark.parametrize("dialect", Dialect)
def test_a_cluster_lives_its_whole_life(lives: Mapping[str, Future[None]], dialect: Dialect) -> None:
    lives[dialect.value].result()


def test_a_cluster_of_mysql_lives_a_short_one(lives: Mapping[str, Future[None]]) -> None:
    lives["mysql"].result()


@pytest.fixture(scope="module")
def broken(real_heat: GuestCloud) -> Iterator[Stack]:
    """A stack that has failed: one of its two replicas has a password that is not the source's for it."""

    def spoil(resources: dict[str, Any]) -> None:
        resources["Slave0000"]["Metadata"]["Master"]["User"]["password"] = "mistaken-1"

    real_heat.launch("broken", build_cluster(2, Dialect.CFN, deadline=20, boot_allowance=60), spoil)
    yield real_heat.wait_until_ended("broken", PATIENCE)
    real_heat.stacks.delete("broken")


def test_a_replica_that_cannot_follow_says_why_in_the_stack(broken: Stack) -> None:
    assert broken.status == "CREATE_FAILED"
    assert "WaitConditionFailure" in broken.reason
    assert "slave0000" in broken.reason
    assert "mistaken-1" not in broken.reason


def test_no_replica_is_begun_before_every_handle_is_there(real_heat: GuestCloud, broken: Stack) -> None:
    """What a replica signals while a handle is being made may hang its stack."""
    happened = list_events(real_heat, broken.name)

    handles = [
        happened.index(("CREATE_COMPLETE", f"Slave000{number}ReadyWaitCondHandle")) for number in (0, 1)
    ]
    servers = [happened.index(("CREATE_IN_PROGRESS", f"Slave000{number}")) for number in (0, 1)]
    assert max(handles) < min(servers)
