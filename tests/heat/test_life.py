"""The main job on a real Heat, in both dialects side by side: they wait more than they work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import openstack
import pytest

from guestagent.controller import Dialect
from guestagent.controller.passwords import Passwords
from guestagent.errors import CloudError
from tests.integration.clouds import Cloud
from tests.integration.life import cluster, live

pytestmark = pytest.mark.timeout(480)

PATIENCE = 180.0
# One life with passwords that Heat makes, and one with hidden parameters, which new nodes bring into an update.
PASSWORDS: Mapping[Dialect, Passwords] = {Dialect.CFN: Passwords.PARAMETERS, Dialect.HOT: Passwords.HEAT}


@pytest.fixture(scope="module")
def lives(real_heat: Cloud) -> Iterator[Mapping[Dialect, Future[None]]]:
    """Both lives, begun; each in a stack and with a controller of its own."""

    def begin(dialect: Dialect) -> None:
        with openstack.connect(**real_heat.served.connect) as connection:
            own = Cloud(real_heat.served, real_heat.hypervisor, connection)
            try:
                live(own, f"life-{dialect.value}", dialect, PATIENCE, passwords=PASSWORDS[dialect])
            finally:
                with suppress(CloudError):
                    own.stacks.delete(f"life-{dialect.value}")

    with ThreadPoolExecutor(len(Dialect)) as pool:
        yield {dialect: pool.submit(begin, dialect) for dialect in Dialect}


@pytest.mark.parametrize("dialect", Dialect)
def test_a_cluster_lives_its_whole_life(lives: Mapping[Dialect, Future[None]], dialect: Dialect) -> None:
    lives[dialect].result()


def test_a_replica_that_cannot_follow_says_why_in_the_stack(real_heat: Cloud) -> None:
    def spoil(resources: dict[str, Any]) -> None:
        resources["Slave0000"]["Metadata"]["Master"]["User"]["password"] = "mistaken-1"

    real_heat.launch("broken", cluster(1, Dialect.CFN, deadline=20, boot_allowance=60), spoil)
    stack = real_heat.ended("broken", PATIENCE)
    real_heat.stacks.delete("broken")

    assert stack.status == "CREATE_FAILED"
    assert "WaitConditionFailure" in stack.reason
    assert "slave0000" in stack.reason
    assert "mistaken-1" not in stack.reason
