"""What a real Heat does when a part of it is gone for a while, and that nothing of ours is lost by it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from guestagent.controller import Dialect
from guestagent.controller.heat import Stack
from guestagent.embedded.faults import Service
from guestagent.embedded.realheat.cloud import RealCloud
from guestagent.errors import CloudError, CloudRefused, CloudUnreachable, DeadlineExceeded
from tests.heat.operator import asked, events, read_signal_status
from tests.integration.clouds import Cloud
from tests.integration.life import cluster, eventually

pytestmark = pytest.mark.timeout(300)

PATIENCE = 150.0
OUTAGE = 8.0
NODE = "Master0000"
PAUSE = ["pkill", "--signal", "STOP", "-x", "mariadbd"]
RESUME = ["pkill", "--signal", "CONT", "-x", "mariadbd"]
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


@pytest.fixture(scope="module")
def single(real_heat: Cloud) -> Iterator[str]:
    """A stack of one node in HOT, whose guest hears of changes by heat-api and signals to the CFN API."""
    real_heat.stacks.wait(real_heat.stacks.create("single", cluster(0, Dialect.HOT)), PATIENCE)
    yield "single"
    real_heat.stacks.wait(real_heat.stacks.delete("single"), PATIENCE)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_node_may_prove_itself_before_heat_sees_its_server_run(real_heat: Cloud, dialect: Dialect) -> None:
    """With every signal Heat writes servers' metadata where that is not the template's; one that is being made then
    never ends, and neither does its stack.
    """
    name = f"hasty-{dialect.value}"
    work = real_heat.stacks.create(name, cluster(0, dialect))
    real_heat.guest(f"{name}-{NODE}", within=60)
    real_heat.served.fault("nova", "503", PATIENCE)
    eventually(lambda: ("SIGNAL_COMPLETE", f"{NODE}ReadyWaitCondHandle") in events(real_heat, name))
    assert ("CREATE_COMPLETE", NODE) not in events(real_heat, name)
    real_heat.served.fault("nova", "503", 0)

    ended = real_heat.stacks.wait(work, PATIENCE)
    real_heat.stacks.delete(name)

    assert ended.status == "CREATE_COMPLETE"


@pytest.mark.parametrize("service", ["cfn", "keystone"])
def test_a_signal_outlasts_an_outage(real_heat: Cloud, single: str, service: Service) -> None:
    """Without Keystone the handle's API knows no signature, and answers as to a body that it cannot read."""
    guest = real_heat.guest(f"{single}-{NODE}")
    real_heat.hypervisor.run(guest, PAUSE)
    work = real_heat.stacks.change(single, lambda now: now.renew(NODE))
    generation = next(iter(work.cluster or ())).generation
    eventually(lambda: f'"generation": {generation}' in status(real_heat, guest))

    real_heat.served.fault(service, "refuse", OUTAGE)
    real_heat.hypervisor.run(guest, RESUME)

    assert real_heat.stacks.wait(work, PATIENCE).status == "UPDATE_COMPLETE"


def test_a_controller_outlasts_an_outage_of_heat(real_heat: Cloud, single: str) -> None:
    work = real_heat.stacks.change(single, lambda now: now.renew(NODE))

    real_heat.served.fault("heat", "refuse", OUTAGE)
    with pytest.raises(CloudUnreachable):
        real_heat.heat.stacks(single)

    assert real_heat.stacks.wait(work, PATIENCE).status == "UPDATE_COMPLETE"


@pytest.fixture
def killed(real_heat: Cloud) -> Iterator[Stack]:
    """A stack whose engine was killed while its condition waited; the engine has come back.

    Each has a name of its own: for a moment after a deletion Heat gives the name to nobody.
    """
    name = f"killed-{uuid4().hex[:8]}"
    real_heat.heat.create(name, WAITING, 10)
    eventually(lambda: ("CREATE_IN_PROGRESS", "Condition") in events(real_heat, name))
    kill_engine(real_heat)
    yield real_heat.heat.stacks(name)[0]
    with suppress(CloudError):  # it may be gone already
        real_heat.stacks.wait(real_heat.stacks.delete(name), PATIENCE)


def test_an_engine_that_is_killed_in_a_create_leaves_a_stack_that_can_be_deleted(
    real_heat: Cloud, killed: Stack
) -> None:
    """Nothing watches the stack any more: whoever waits for it has a deadline."""
    assert killed.status == "CREATE_IN_PROGRESS"
    assert real_heat.stacks.wait(real_heat.stacks.delete(killed.name), PATIENCE).status == "DELETE_COMPLETE"


def test_what_a_killed_engine_was_at_is_taken_over_by_the_next_update(real_heat: Cloud, killed: Stack) -> None:
    """It gives up the lock of the worker that is gone, and does the resource anew."""
    impatient = copy.deepcopy(WAITING)
    impatient["Resources"]["Condition"]["Properties"]["Timeout"] = 3

    real_heat.heat.update(killed, impatient, 10)
    ended = real_heat.ended(killed.name, PATIENCE)

    assert ended.status == "UPDATE_FAILED"
    assert "WaitConditionTimeout: resources.Condition: 0 of 1 received" in ended.reason
    assert ("UPDATE_FAILED", "Condition") in events(real_heat, killed.name)


def test_an_engine_that_is_killed_in_an_update_costs_no_data(real_heat: Cloud, single: str) -> None:
    """The way out is Heat's own: the update is cancelled, which makes a stack that takes the next change."""
    guest = real_heat.guest(f"{single}-{NODE}")
    real_heat.ask(guest, "CREATE DATABASE IF NOT EXISTS kept")
    real_heat.hypervisor.run(guest, PAUSE)
    work = real_heat.stacks.change(single, lambda now: now.renew(NODE))
    condition = next(iter(work.cluster or ())).condition
    eventually(lambda: ("CREATE_IN_PROGRESS", condition) in events(real_heat, single))

    kill_engine(real_heat)
    real_heat.hypervisor.run(guest, RESUME)
    # With each signal Heat writes servers' metadata, also of one that the next change is at: that would never end.
    eventually(lambda: "SUCCESS accepted" in read_signal_status(real_heat, guest))
    with pytest.raises(DeadlineExceeded, match="UPDATE_IN_PROGRESS"):
        real_heat.stacks.wait(work, 5)
    with pytest.raises(CloudRefused, match="UPDATE_IN_PROGRESS"):
        real_heat.stacks.change(single, lambda now: now)
    cancel(real_heat, single)
    eventually(lambda: real_heat.heat.stacks(single)[0].status == "UPDATE_FAILED")
    again = real_heat.stacks.wait(real_heat.stacks.change(single, lambda now: now.renew(NODE)), PATIENCE)

    assert again.status == "UPDATE_COMPLETE"
    assert real_heat.guest(f"{single}-{NODE}") == guest
    assert real_heat.ask(guest, "SHOW DATABASES LIKE 'kept'") != []


def cancel(cloud: Cloud, name: str) -> None:
    """`openstack stack cancel --no-rollback NAME`."""
    stack = cloud.heat.stacks(name)[0]
    asked(cloud, "POST", f"/stacks/{name}/{stack.id}/actions", json={"cancel_without_rollback": None})


def status(cloud: Cloud, guest: str) -> str:
    path = cloud.hypervisor.folder(guest) / "var/lib/guestagent/status.json"
    return path.read_text() if path.exists() else ""


def kill_engine(cloud: Cloud) -> None:
    """Returns when the one that was started in its place answers."""
    real = cloud.served.cloud
    assert isinstance(real, RealCloud)
    first = real.daemons["heat"]
    cloud.served.kill_engine()
    eventually(lambda: real.daemons["heat"] != first)
    eventually(lambda: answers(cloud), PATIENCE)


def answers(cloud: Cloud) -> bool:
    with suppress(CloudError):
        cloud.heat.stacks()
        return True
    return False
