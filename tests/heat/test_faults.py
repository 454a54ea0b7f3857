"""What a real Heat does when a part of it is gone for a while, and that nothing of ours is lost by it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from guestagent.controller import Dialect
from guestagent.controller.heat_api import Stack
from guestagent.embedded.http.faults import ServiceName
from guestagent.embedded.process.real_heat_cloud import RealHeatCloud
from guestagent.errors import CloudError, CloudRefused, CloudUnreachable, DeadlineExceeded
from tests.heat.operator_requests import list_events, read_signal_status, request_heat
from tests.support.cluster_lifecycle import build_cluster, wait_until
from tests.support.guest_cloud import GuestCloud

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
def single(real_heat: GuestCloud) -> Iterator[str]:
    """A stack of one node in HOT, whose guest hears of changes by heat-api and signals to the CFN API."""
    real_heat.stacks.wait(real_heat.stacks.create("single", build_cluster(0, Dialect.HOT)), PATIENCE)
    yield "single"
    real_heat.stacks.wait(real_heat.stacks.delete("single"), PATIENCE)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_node_may_prove_itself_before_heat_sees_its_server_run(
    real_heat: GuestCloud, dialect: Dialect
) -> None:
    """With every signal Heat writes servers' metadata where that is not the template's; one that is being made then
    never ends, and neither does its stack.
    """
    name = f"hasty-{dialect.value}"
    work = real_heat.stacks.create(name, build_cluster(0, dialect))
    real_heat.find_guest(f"{name}-{NODE}", within=60)
    real_heat.server.fault("nova", "503", PATIENCE)
    wait_until(lambda: ("SIGNAL_COMPLETE", f"{NODE}ReadyWaitCondHandle") in list_events(real_heat, name))
    assert ("CREATE_COMPLETE", NODE) not in list_events(real_heat, name)
    real_heat.server.fault("nova", "503", 0)

    ended = real_heat.stacks.wait(work, PATIENCE)
    real_heat.stacks.delete(name)

    assert ended.status == "CREATE_COMPLETE"


@pytest.mark.parametrize("service", ["cfn", "keystone"])
def test_a_signal_outlasts_an_outage(real_heat: GuestCloud, single: str, service: ServiceName) -> None:
    """Without Keystone the handle's API knows no signature, and answers as to a body that it cannot read."""
    guest = real_heat.find_guest(f"{single}-{NODE}")
    real_heat.hypervisor.run_command(guest, PAUSE)
    work = real_heat.stacks.change(single, lambda now: now.renew(NODE))
    generation = next(iter(work.cluster or ())).generation
    wait_until(lambda: f'"generation": {generation}' in status(real_heat, guest))

    real_heat.server.fault(service, "refuse", OUTAGE)
    real_heat.hypervisor.run_command(guest, RESUME)

    assert real_heat.stacks.wait(work, PATIENCE).status == "UPDATE_COMPLETE"


def test_a_controller_outlasts_an_outage_of_heat(real_heat: GuestCloud, single: str) -> None:
    work = real_heat.stacks.change(single, lambda now: now.renew(NODE))

    real_heat.server.fault("heat", "refuse", OUTAGE)
    with pytest.raises(CloudUnreachable):
        real_heat.heat.stacks(single)

    assert real_heat.stacks.wait(work, PATIENCE).status == "UPDATE_COMPLETE"


@pytest.fixture
def killed(real_heat: GuestCloud) -> Iterator[Stack]:
    """A stack whose engine was killed while its condition waited; the engine has come back.

    Each has a name of its own: for a moment after a deletion Heat gives the name to nobody.
    """
    name = f"killed-{uuid4().hex[:8]}"
    real_heat.heat.create(name, WAITING, 10)
    wait_until(lambda: ("CREATE_IN_PROGRESS", "Condition") in list_events(real_heat, name))
    kill_engine(real_heat)
    yield real_heat.heat.stacks(name)[0]
    with suppress(CloudError):  # it may be gone already
        real_heat.stacks.wait(real_heat.stacks.delete(name), PATIENCE)


def test_an_engine_that_is_killed_in_a_create_leaves_a_stack_that_can_be_deleted(
    real_heat: GuestCloud, killed: Stack
) -> None:
    """Nothing watches the stack any more: whoever waits for it has a deadline."""
    assert killed.status == "CREATE_IN_PROGRESS"
    assert real_heat.stacks.wait(real_heat.stacks.delete(killed.name), PATIENCE).status == "DELETE_COMPLETE"


def test_what_a_killed_engine_was_at_is_taken_over_by_the_next_update(
    real_heat: GuestCloud, killed: Stack
) -> None:
    """It gives up the lock of the worker that is gone, and does the resource anew."""
    impatient = copy.deepcopy(WAITING)
    impatient["Resources"]["Condition"]["Properties"]["Timeout"] = 3

    real_heat.heat.update(killed, impatient, 10)
    ended = real_heat.wait_until_ended(killed.name, PATIENCE)

    assert ended.status == "UPDATE_FAILED"
    assert "WaitConditionTimeout: resources.Condition: 0 of 1 received" in ended.reason
    assert ("UPDATE_FAILED", "Condition") in list_events(real_heat, killed.name)


def test_an_engine_that_is_killed_in_an_update_costs_no_data(real_heat: GuestCloud, single: str) -> None:
    """The way out is Heat's own: the update is cancelled, which makes a stack that takes the next change."""
    guest = real_heat.find_guest(f"{single}-{NODE}")
    real_heat.execute(guest, "CREATE DATABASE IF NOT EXISTS kept")
    real_heat.hypervisor.run_command(guest, PAUSE)
    work = real_heat.stacks.change(single, lambda now: now.renew(NODE))
    condition = next(iter(work.cluster or ())).condition
    wait_until(lambda: ("CREATE_IN_PROGRESS", condition) in list_events(real_heat, single))

    kill_engine(real_heat)
    real_heat.hypervisor.run_command(guest, RESUME)
    # With each signal Heat writes servers' metadata, also of one that the next change is at: that would never end.
    wait_until(lambda: "SUCCESS accepted" in read_signal_status(real_heat, guest))
    with pytest.raises(DeadlineExceeded, match="UPDATE_IN_PROGRESS"):
        real_heat.stacks.wait(work, 5)
    with pytest.raises(CloudRefused, match="UPDATE_IN_PROGRESS"):
        real_heat.stacks.change(single, lambda now: now)
    cancel(real_heat, single)
    wait_until(lambda: real_heat.heat.stacks(single)[0].status == "UPDATE_FAILED")
    again = real_heat.stacks.wait(real_heat.stacks.change(single, lambda now: now.renew(NODE)), PATIENCE)

    assert again.status == "UPDATE_COMPLETE"
    assert real_heat.find_guest(f"{single}-{NODE}") == guest
    assert real_heat.execute(guest, "SHOW DATABASES LIKE 'kept'") != []


def cancel(cloud: GuestCloud, name: str) -> None:
    """`openstack stack cancel --no-rollback NAME`."""
    stack = cloud.heat.stacks(name)[0]
    request_heat(cloud, "POST", f"/stacks/{name}/{stack.id}/actions", json={"cancel_without_rollback": None})


def status(cloud: GuestCloud, guest: str) -> str:
    path = cloud.hypervisor.find_folder(guest) / "var/lib/guestagent/status.json"
    return path.read_text() if path.exists() else ""


def kill_engine(cloud: GuestCloud) -> None:
    """Returns when the one that was started in its place answers."""
    real = cloud.server.cloud
    assert isinstance(real, RealHeatCloud)
    first = real.daemon_pids["heat"]
    cloud.server.kill_engine()
    wait_until(lambda: real.daemon_pids["heat"] != first)
    wait_until(lambda: answers(cloud), PATIENCE)


def answers(cloud: GuestCloud) -> bool:
    with suppress(CloudError):
        cloud.heat.stacks()
        return True
    return False
