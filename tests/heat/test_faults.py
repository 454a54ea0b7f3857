"""Outages of parts of a real Heat: agent and controller lose nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from guestagent.controller import Dialect
from guestagent.controller.heat_api import Stack
from guestagent.embedded.http.service_names import ServiceName
from guestagent.embedded.process.real_heat_cloud import RealHeatCloud
from guestagent.errors import CloudError, CloudRefused, CloudUnreachable, DeadlineExceeded
from tests.heat.operator_requests import has_accepted_signal, list_events, request_heat
from tests.support.cluster_lifecycle import build_cluster
from tests.support.guest_cloud import GuestCloud
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)

STACK_TIMEOUT_S = 150.0
OUTAGE_S = 8.0
NODE = "Master0000"
PAUSE_SERVER = ["pkill", "--signal", "STOP", "-x", "mariadbd"]
RESUME_SERVER = ["pkill", "--signal", "CONT", "-x", "mariadbd"]
WAITING_TEMPLATE: dict[str, Any] = {
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
def single_node_stack(real_heat: GuestCloud) -> Iterator[str]:
    """A stack of one node in HOT, whose guest polls heat-api and signals to the CFN API."""
    real_heat.stacks.wait(real_heat.stacks.create("single", build_cluster(0, Dialect.HOT)), STACK_TIMEOUT_S)
    yield "single"
    real_heat.stacks.wait(real_heat.stacks.delete("single"), STACK_TIMEOUT_S)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_node_may_signal_before_heat_considers_its_server_active(
    real_heat: GuestCloud, dialect: Dialect
) -> None:
    """At every signal Heat writes the metadata of servers that differ from the template.

    A server that is being created at that time never completes, and neither does its stack.
    """
    name = f"hasty-{dialect.value}"
    work = real_heat.stacks.create(name, build_cluster(0, dialect))
    real_heat.find_guest(f"{name}-{NODE}", timeout_s=60)
    real_heat.server.fault("nova", "503", STACK_TIMEOUT_S)
    wait_until(lambda: ("SIGNAL_COMPLETE", f"{NODE}ReadyWaitCondHandle") in list_events(real_heat, name))
    assert ("CREATE_COMPLETE", NODE) not in list_events(real_heat, name)
    real_heat.server.fault("nova", "503", 0)

    stack = real_heat.stacks.wait(work, STACK_TIMEOUT_S)
    real_heat.stacks.delete(name)

    assert stack.status == "CREATE_COMPLETE"


@pytest.mark.parametrize("service", ["cfn", "keystone"])
def test_a_signal_outlasts_an_outage(
    real_heat: GuestCloud, single_node_stack: str, service: ServiceName
) -> None:
    """Without Keystone the CFN API cannot verify a signature, and responds as to an unreadable body."""
    guest = real_heat.find_guest(f"{single_node_stack}-{NODE}")
    real_heat.hypervisor.run_command(guest, PAUSE_SERVER)
    work = real_heat.stacks.change(single_node_stack, lambda now: now.renew(NODE))
    generation = next(iter(work.cluster or ())).generation
    wait_until(lambda: f'"generation": {generation}' in read_status(real_heat, guest))

    real_heat.server.fault(service, "refuse", OUTAGE_S)
    real_heat.hypervisor.run_command(guest, RESUME_SERVER)

    assert real_heat.stacks.wait(work, STACK_TIMEOUT_S).status == "UPDATE_COMPLETE"


def test_a_controller_outlasts_an_outage_of_heat(real_heat: GuestCloud, single_node_stack: str) -> None:
    work = real_heat.stacks.change(single_node_stack, lambda now: now.renew(NODE))

    real_heat.server.fault("heat", "refuse", OUTAGE_S)
    with pytest.raises(CloudUnreachable):
        real_heat.heat.stacks(single_node_stack)

    assert real_heat.stacks.wait(work, STACK_TIMEOUT_S).status == "UPDATE_COMPLETE"


@pytest.fixture
def interrupted_stack(real_heat: GuestCloud) -> Iterator[Stack]:
    """A stack whose engine was killed while its wait condition waited; the engine runs again.

    Each has its own name: shortly after a deletion Heat does not accept the same name.
    """
    name = f"killed-{uuid4().hex[:8]}"
    real_heat.heat.create(name, WAITING_TEMPLATE, 10)
    wait_until(lambda: ("CREATE_IN_PROGRESS", "Condition") in list_events(real_heat, name))
    kill_engine(real_heat)
    yield real_heat.heat.stacks(name)[0]
    with suppress(CloudError):  # the test may have deleted it
        real_heat.stacks.wait(real_heat.stacks.delete(name), STACK_TIMEOUT_S)


def test_a_stack_can_be_deleted_after_the_engine_was_killed_during_its_creation(
    real_heat: GuestCloud, interrupted_stack: Stack
) -> None:
    """No engine works on the stack any more, so every wait needs a deadline."""
    assert interrupted_stack.status == "CREATE_IN_PROGRESS"
    assert (
        real_heat.stacks.wait(real_heat.stacks.delete(interrupted_stack.name), STACK_TIMEOUT_S).status
        == "DELETE_COMPLETE"
    )


def test_the_next_update_takes_over_the_work_of_a_killed_engine(
    real_heat: GuestCloud, interrupted_stack: Stack
) -> None:
    """Heat breaks the lock of the worker that is gone, and recreates the resource."""
    short_template = copy.deepcopy(WAITING_TEMPLATE)
    short_template["Resources"]["Condition"]["Properties"]["Timeout"] = 3

    real_heat.heat.update(interrupted_stack, short_template, 10)
    stack = real_heat.wait_until_ended(interrupted_stack.name, STACK_TIMEOUT_S)

    assert stack.status == "UPDATE_FAILED"
    assert "WaitConditionTimeout: resources.Condition: 0 of 1 received" in stack.reason
    assert ("UPDATE_FAILED", "Condition") in list_events(real_heat, interrupted_stack.name)


def test_no_data_is_lost_if_the_engine_is_killed_during_an_update(
    real_heat: GuestCloud, single_node_stack: str
) -> None:
    """Cancelling the update is Heat's own recovery: the stack then accepts the next change."""
    guest = real_heat.find_guest(f"{single_node_stack}-{NODE}")
    real_heat.execute(guest, "CREATE DATABASE IF NOT EXISTS kept")
    real_heat.hypervisor.run_command(guest, PAUSE_SERVER)
    work = real_heat.stacks.change(single_node_stack, lambda now: now.renew(NODE))
    node = next(iter(work.cluster or ()))
    wait_until(lambda: ("CREATE_IN_PROGRESS", node.condition) in list_events(real_heat, single_node_stack))

    kill_engine(real_heat)
    real_heat.hypervisor.run_command(guest, RESUME_SERVER)
    # At each signal Heat writes the servers' metadata. A server that the next change updates then would never complete.
    wait_until(lambda: has_accepted_signal(real_heat, guest, node.generation))
    with pytest.raises(DeadlineExceeded, match="UPDATE_IN_PROGRESS"):
        real_heat.stacks.wait(work, 5)
    with pytest.raises(CloudRefused, match="UPDATE_IN_PROGRESS"):
        real_heat.stacks.change(single_node_stack, lambda now: now)
    cancel_update(real_heat, single_node_stack)
    wait_until(lambda: real_heat.heat.stacks(single_node_stack)[0].status == "UPDATE_FAILED")
    stack = real_heat.stacks.wait(
        real_heat.stacks.change(single_node_stack, lambda now: now.renew(NODE)), STACK_TIMEOUT_S
    )

    assert stack.status == "UPDATE_COMPLETE"
    assert real_heat.find_guest(f"{single_node_stack}-{NODE}") == guest
    assert real_heat.execute(guest, "SHOW DATABASES LIKE 'kept'") != []


def cancel_update(cloud: GuestCloud, name: str) -> None:
    """`openstack stack cancel --no-rollback NAME`."""
    stack = cloud.heat.stacks(name)[0]
    request_heat(cloud, "POST", f"/stacks/{name}/{stack.id}/actions", json={"cancel_without_rollback": None})


def read_status(cloud: GuestCloud, guest: str) -> str:
    path = cloud.hypervisor.find_folder(guest) / "var/lib/guestagent/status.json"
    return path.read_text() if path.exists() else ""


def kill_engine(cloud: GuestCloud) -> None:
    """Kill heat-engine, and wait until its replacement responds."""
    real = cloud.server.cloud
    assert isinstance(real, RealHeatCloud)
    first_pid = real.daemon_pids["heat"]
    cloud.server.kill_engine()
    wait_until(lambda: real.daemon_pids["heat"] != first_pid)
    wait_until(lambda: is_responding(cloud), STACK_TIMEOUT_S)


def is_responding(cloud: GuestCloud) -> bool:
    with suppress(CloudError):
        cloud.heat.stacks()
        return True
    return False
