"""Heat's engine is killed in the middle: the stack stays in progress, nobody watches it, and there are two ways out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import openstack
import pytest
from openstack.connection import Connection

from guestagent.controller import Cluster, Dialect, Node, Stacks
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.controller.wait import Work
from guestagent.embedded import Serving, serving
from guestagent.errors import CloudRefused, DeadlineExceeded
from tests.support.heat_requests import get_fake_cloud
from tests.support.signalling_guests import SignallingHypervisor

NODE = Node("m1.small", "guestagent-mariadb")
STACK_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class EngineEnvironment:
    """A cloud, its guests, and a controller of it."""

    cloud: Serving
    guests: SignallingHypervisor
    connection: Connection
    stacks: Stacks

    def wait_until(self, is_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STACK_TIMEOUT_S
        while not is_true():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def find_resource_status(self, name: str) -> str:
        """A resource's, as the plain list shows it; "" where there is none yet."""
        resource = get_fake_cloud(self.cloud).engine.find_stack("db").resources.get(name)
        return "" if resource is None else f"{resource.action}_{resource.status}"

    def count_signals(self, handle: str) -> int:
        return len(get_fake_cloud(self.cloud).engine.find_stack("db").resources[handle].metadata)

    def update_with_its_own_template(self) -> None:
        """Send the request of `openstack stack update --existing db`."""
        stack = get_fake_cloud(self.cloud).engine.find_stack("db")
        answer = self.connection.orchestration.patch(f"/stacks/db/{stack.id}", json={})
        assert answer.status_code == 202, answer.text


@pytest.fixture
def environment() -> Iterator[EngineEnvironment]:
    guests = SignallingHypervisor()
    with serving(guests) as cloud, openstack.connect(**cloud.connect) as connection:
        yield EngineEnvironment(cloud, guests, connection, Stacks(OpenStackHeat(connection), every=0.1))


def build_cluster() -> Cluster:
    return Cluster.new(source=NODE, deadline=20, boot_allowance=20, dialect=Dialect.CFN)


def start_create(environment: EngineEnvironment) -> tuple[Work, str, str]:
    """The work that the engine was killed in; its stack's state, and the node's handle."""
    environment.guests.silent_nodes.add("Master0000")
    work = environment.stacks.create("db", build_cluster())
    environment.wait_until(
        lambda: environment.find_resource_status("Master0000ReadyWaitCond") == "CREATE_IN_PROGRESS"
    )
    return work, "CREATE_IN_PROGRESS", "Master0000ReadyWaitCondHandle"


def start_update(environment: EngineEnvironment) -> tuple[Work, str, str]:
    environment.stacks.wait(environment.stacks.create("db", build_cluster()), STACK_TIMEOUT_S)
    environment.guests.silent_nodes.add("Master0000")
    work = environment.stacks.change("db", lambda cluster_now: cluster_now.renew("Master0000"))
    environment.wait_until(
        lambda: environment.find_resource_status("Master0000ReadyWaitCond2") == "CREATE_IN_PROGRESS"
    )
    return work, "UPDATE_IN_PROGRESS", "Master0000ReadyWaitCondHandle2"


during_each_action = pytest.mark.parametrize("start_work", [start_create, start_update])


@during_each_action
def test_the_stack_stays_in_progress_though_its_node_is_ready(
    environment: EngineEnvironment, start_work: Callable[[EngineEnvironment], tuple[Work, str, str]]
) -> None:
    work, status, handle = start_work(environment)

    environment.cloud.kill_engine()
    environment.guests.silent_nodes.clear()
    environment.wait_until(lambda: environment.count_signals(handle) == 1)

    with pytest.raises(DeadlineExceeded, match=f"stack db is still {status} when the time is over"):
        environment.stacks.wait(work, 0.5)
    with pytest.raises(CloudRefused, match=f"stack db is {status}"):
        environment.stacks.change("db", lambda cluster_now: cluster_now.add_replica(NODE))


@during_each_action
def test_it_can_be_deleted(
    environment: EngineEnvironment, start_work: Callable[[EngineEnvironment], tuple[Work, str, str]]
) -> None:
    start_work(environment)
    environment.cloud.kill_engine()

    assert (
        environment.stacks.wait(environment.stacks.delete("db"), STACK_TIMEOUT_S).status == "DELETE_COMPLETE"
    )
    assert environment.guests.guests == {}


@during_each_action
def test_an_update_with_its_own_template_takes_it_over_and_keeps_its_servers(
    environment: EngineEnvironment, start_work: Callable[[EngineEnvironment], tuple[Work, str, str]]
) -> None:
    start_work(environment)
    servers = set(environment.guests.guests)
    environment.cloud.kill_engine()
    environment.guests.silent_nodes.clear()

    environment.update_with_its_own_template()

    environment.wait_until(lambda: not environment.stacks.status("db").stack.in_progress)
    assert environment.stacks.status("db").stack.status == "UPDATE_COMPLETE"
    assert set(environment.guests.guests) == servers
    assert len(environment.stacks.cluster("db").replicas) == 0
