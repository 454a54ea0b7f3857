"""What a real Heat does when a part of it is gone for a while, and that nothing of ours is lost by it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from guestagent.controller import Cluster, Node
from guestagent.controller.heat import Stack
from guestagent.embedded.compute import SUBNET_ID
from guestagent.embedded.realheat.cloud import RealCloud
from guestagent.errors import CloudError
from tests.integration.clouds import Cloud

pytestmark = pytest.mark.timeout(240)

PATIENCE = 120.0
ALONE = Cluster.new(
    source=Node(flavor="m1.tiny", image="guestagent-mariadb"), subnet=SUBNET_ID, polling_interval=1
)
WAITING = {
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


def test_an_engine_that_is_killed_comes_back_and_leaves_its_stack_in_progress(heat: Cloud) -> None:
    """Nothing watches the stack any more: whoever waits for it has a deadline, and deletes or updates it."""
    cloud = heat.served.cloud
    assert isinstance(cloud, RealCloud)
    heat.heat.create("killed", WAITING, 10)
    while not heat.heat.resources(heat.heat.stacks("killed")[0]):
        time.sleep(0.1)
    first = cloud.daemons["heat"]

    os.kill(first, signal.SIGKILL)
    while cloud.daemons["heat"] == first:
        time.sleep(0.1)
    stack = answered(heat)

    assert stack.status == "CREATE_IN_PROGRESS"
    assert heat.stacks.wait(heat.stacks.delete("killed"), PATIENCE).status == "DELETE_COMPLETE"


def answered(heat: Cloud) -> Stack:
    """Nobody answers until the engine is back."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(CloudError):
            return heat.heat.stacks("killed")[0]
        time.sleep(0.3)
    raise AssertionError("Heat does not come back")
