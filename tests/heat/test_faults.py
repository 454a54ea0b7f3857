"""What a real Heat does when a part of it is gone for a while, and that nothing of ours is lost by it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import openstack
import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.controller.heat import Stack
from guestagent.embedded.compute import SUBNET_ID
from guestagent.embedded.realheat.cloud import RealCloud
from guestagent.errors import CloudError
from tests.integration.clouds import Cloud

pytestmark = pytest.mark.timeout(240)

PATIENCE = 120.0
ALONE = Cluster.new(
    source=Node(flavor="m1.tiny", image="guestagent-mariadb"),
    subnet=SUBNET_ID,
    polling_interval=1,
    dialect=Dialect.CFN,
)
WAITING: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Condition": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": 600},
        },
    },
}


@pytest.fixture
def heat(real_heat: Cloud) -> Iterator[Cloud]:
    yield real_heat
    for name in ("outage", "killed"):  # for a moment after its deletion Heat gives a name to nobody
        with suppress(CloudError):
            real_heat.stacks.wait(real_heat.stacks.delete(name), PATIENCE)


def test_a_signal_outlasts_an_outage_of_the_handles(heat: Cloud) -> None:
    work = heat.stacks.create("outage", ALONE)
    heat.guest("Master0000", within=60)

    heat.served.fault("cfn", "refuse", 15)

    assert heat.stacks.wait(work, PATIENCE).status == "CREATE_COMPLETE"


@pytest.fixture
def killed(heat: Cloud) -> Stack:
    """A stack whose engine was killed while its condition waited; the engine has come back."""
    cloud = heat.served.cloud
    assert isinstance(cloud, RealCloud)
    heat.heat.create("killed", WAITING, 10)
    until(lambda: ("Condition", "CREATE_IN_PROGRESS") in resources(heat))
    first = cloud.daemons["heat"]
    heat.served.kill_engine()
    until(lambda: cloud.daemons["heat"] != first)
    return answered(heat)


def test_an_engine_that_is_killed_comes_back_and_leaves_its_stack_in_progress(
    heat: Cloud, killed: Stack
) -> None:
    """Nothing watches the stack any more: whoever waits for it has a deadline, and deletes or updates it."""
    assert killed.status == "CREATE_IN_PROGRESS"
    assert heat.stacks.wait(heat.stacks.delete("killed"), PATIENCE).status == "DELETE_COMPLETE"


def test_what_a_killed_engine_was_at_is_taken_over_by_the_next_update(heat: Cloud, killed: Stack) -> None:
    impatient = copy.deepcopy(WAITING)
    impatient["Resources"]["Condition"]["Properties"]["Timeout"] = 3

    heat.heat.update(killed, impatient, 10)
    until(lambda: not answered(heat).in_progress)

    ended = answered(heat)
    assert ended.status == "UPDATE_FAILED"
    assert "WaitConditionTimeout: resources.Condition: 0 of 1 received" in ended.reason
    assert "Worker went down during resource CREATE" in reasons(heat, killed)


def resources(heat: Cloud) -> list[tuple[str, str]]:
    found = heat.heat.stacks("killed")
    return [(each.name, each.status) for each in heat.heat.resources(found[0])] if found else []


def reasons(heat: Cloud, stack: Stack) -> list[str]:
    with openstack.connect(**heat.served.connect) as connection:
        events = connection.orchestration.get(f"/stacks/{stack.name}/{stack.id}/events").json()["events"]
    return [event["resource_status_reason"] for event in events]


def until(holds: Callable[[], bool]) -> None:
    latest = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < latest
        time.sleep(0.2)


def answered(heat: Cloud) -> Stack:
    """Nobody answers until the engine is back."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(CloudError):
            return heat.heat.stacks("killed")[0]
        time.sleep(0.3)
    raise AssertionError("Heat does not come back")
