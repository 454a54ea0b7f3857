"""Every operation of the controller through every outage of Heat and Keystone: it ends, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import openstack
import pytest

from guestagent.controller import Cluster, Dialect, Node, Stacks
from guestagent.controller.heat_api import Stack
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.embedded import Serving, serving
from guestagent.embedded.http.faults import FaultMode
from guestagent.errors import CloudError, CloudRefused, CloudUnreachable
from tests.support.fast_clock import FastClock
from tests.support.heat_requests import get_fake_cloud
from tests.support.signalling_guests import SignallingHypervisor

NODE = Node("m1.small", "guestagent-mariadb")
REQUEST_TIMEOUT_S, SERVICE_DELAY_S = 2.5, 5.0
"""Seconds: a request's timeout, which a busy machine must keep to otherwise, and what a slow service lets it wait."""
OPERATION_TIMEOUT_S = 3000.0  # seconds of the hurried clock


@dataclass(frozen=True, slots=True)
class ControllerEnvironment:
    """A cloud whose guests signal at once, and a controller of it."""

    cloud: Serving
    heat: OpenStackHeat
    stacks: Stacks

    def speed_up(self, speed: float) -> Stacks:
        """The same controller with less patience in the world's time."""
        return Stacks(self.heat, FastClock(speed), every=1.0)

    def find_status(self) -> str | None:
        states = [
            stack.state for stack in get_fake_cloud(self.cloud).engine.list_stacks() if stack.name == "db"
        ]
        return states[0] if states else None

    def list_started_actions(self) -> list[str]:
        """The actions that were begun on stacks named db, in order."""
        engine = get_fake_cloud(self.cloud).engine
        events = [event for stack in engine.stacks.values() for event in stack.events]
        return [e.status for e in events if e.resource == "db" and e.status.endswith("_IN_PROGRESS")]


@pytest.fixture
def environment() -> Iterator[ControllerEnvironment]:
    with serving(SignallingHypervisor()) as cloud, openstack.connect(**cloud.connect) as connection:
        heat = OpenStackHeat(connection, timeout=REQUEST_TIMEOUT_S)
        stacks = Stacks(heat, FastClock(8), every=1.0)
        with suppress(CloudRefused):
            stacks.cluster("nobody")  # a cloud that has answered once is waited for longer
        yield ControllerEnvironment(cloud, heat, stacks)


def build_cluster() -> Cluster:
    return Cluster.new(source=NODE, deadline=10, boot_allowance=10, dialect=Dialect.CFN)


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of the controller and what leads to it. `ends`: how the stack is after it, None where it is gone."""

    method: str
    before: Callable[[Stacks], object]
    act: Callable[[Stacks], Stack]
    begins: tuple[str, ...]
    ends: str | None
    untouched: str | None


def create_nothing(stacks: Stacks) -> None:
    """There is no stack."""


def create_stack(stacks: Stacks) -> Stack:
    return stacks.wait(stacks.create("db", build_cluster()), OPERATION_TIMEOUT_S)


def update_stack(stacks: Stacks) -> Stack:
    return stacks.wait(
        stacks.change("db", lambda cluster_now: cluster_now.renew("Master0000")), OPERATION_TIMEOUT_S
    )


def read_status(stacks: Stacks) -> Stack:
    return stacks.status("db").stack


def delete_stack(stacks: Stacks) -> Stack:
    return stacks.wait(stacks.delete("db"), OPERATION_TIMEOUT_S)


ONCE = ("CREATE_IN_PROGRESS",)
OPERATIONS = {
    "create": Operation("POST", create_nothing, create_stack, ONCE, "CREATE_COMPLETE", None),
    "update": Operation(
        "PUT", create_stack, update_stack, (*ONCE, "UPDATE_IN_PROGRESS"), "UPDATE_COMPLETE", "CREATE_COMPLETE"
    ),
    "poll": Operation("GET", create_stack, read_status, ONCE, "CREATE_COMPLETE", "CREATE_COMPLETE"),
    "delete": Operation(
        "DELETE", create_stack, delete_stack, (*ONCE, "DELETE_IN_PROGRESS"), None, "CREATE_COMPLETE"
    ),
}
each_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


@each_operation
@pytest.mark.parametrize(("mode", "times"), [("401", 1), ("500", 2), ("503", 2), ("slow", 2), ("lost", 2)])
def test_an_outage_that_passes_only_delays_an_operation(
    environment: ControllerEnvironment, operation: Operation, mode: FaultMode, times: int
) -> None:
    operation.before(environment.stacks)
    environment.cloud.fault("heat", mode, delay=SERVICE_DELAY_S, method=operation.method, times=times)

    operation.act(environment.stacks)

    assert environment.find_status() == operation.ends
    assert environment.list_started_actions() == [*operation.begins]


@each_operation
@pytest.mark.parametrize(
    ("service", "mode"),
    [("heat", "refuse"), ("keystone", "refuse"), ("keystone", "500"), ("keystone", "503")],
)
def test_a_service_that_comes_back_is_waited_for(
    environment: ControllerEnvironment, operation: Operation, service: str, mode: FaultMode
) -> None:
    operation.before(environment.stacks)
    environment.cloud.fault("keystone" if service == "keystone" else "heat", mode, seconds=0.5)

    operation.act(environment.stacks)

    assert environment.find_status() == operation.ends
    assert environment.list_started_actions() == [*operation.begins]


@each_operation
@pytest.mark.parametrize(
    ("mode", "error", "message"),
    [
        ("401", CloudRefused, "Heat returned 401"),
        ("403", CloudRefused, "Heat returned 403"),
        ("500", CloudUnreachable, "Heat returned 500"),
        ("503", CloudUnreachable, "Heat returned 503"),
        ("slow", CloudUnreachable, "timed out"),
    ],
)
def test_an_outage_that_stays_ends_an_operation_and_changes_nothing(
    environment: ControllerEnvironment,
    operation: Operation,
    mode: FaultMode,
    error: type[CloudError],
    message: str,
) -> None:
    operation.before(environment.stacks)
    before = environment.list_started_actions()
    environment.cloud.fault("heat", mode, delay=SERVICE_DELAY_S, method=operation.method)

    with pytest.raises(error, match=message):
        operation.act(environment.speed_up(200))
    environment.cloud.heal()

    assert environment.find_status() == operation.untouched
    assert environment.list_started_actions() == before


@pytest.mark.parametrize("mode", ["401", "403"])
def test_a_refusal_ends_the_waiting_and_not_the_stack(
    environment: ControllerEnvironment, mode: FaultMode
) -> None:
    work = environment.stacks.create("db", build_cluster())
    environment.cloud.fault("heat", mode, method="GET")

    with pytest.raises(CloudRefused, match=f"Heat returned {mode}"):
        environment.stacks.wait(work, OPERATION_TIMEOUT_S)
    environment.cloud.heal()

    assert environment.stacks.wait(work, OPERATION_TIMEOUT_S).status == "CREATE_COMPLETE"


def test_an_api_that_takes_its_time_is_waited_for(environment: ControllerEnvironment) -> None:
    environment.cloud.fault("heat", "slow", delay=REQUEST_TIMEOUT_S / 5)

    create_stack(environment.stacks)

    assert environment.list_started_actions() == [*ONCE]
