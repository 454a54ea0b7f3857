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
LONG = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """A cloud, its guests, and a controller of it."""

    cloud: Serving
    guests: SignallingHypervisor
    connection: Connection
    stacks: Stacks

    def until(self, holds: Callable[[], bool]) -> None:
        latest = time.monotonic() + LONG
        while not holds():
            assert time.monotonic() < latest
            time.sleep(0.02)

    def status(self, name: str) -> str:
        """A resource's, as the plain list shows it; "" where there is none yet."""
        found = get_fake_cloud(self.cloud).engine.find_stack("db").resources.get(name)
        return "" if found is None else f"{found.action}_{found.status}"

    def heard(self, handle: str) -> int:
        return len(get_fake_cloud(self.cloud).engine.find_stack("db").resources[handle].metadata)

    def update_with_its_own_template(self) -> None:
        """What `openstack stack update --existing db` asks for."""
        stack = get_fake_cloud(self.cloud).engine.find_stack("db")
        answer = self.connection.orchestration.patch(f"/stacks/db/{stack.id}", json={})
        assert answer.status_code == 202, answer.text


@pytest.fixture
def place() -> Iterator[Place]:
    guests = SignallingHypervisor()
    with serving(guests) as cloud, openstack.connect(**cloud.connect) as connection:
        yield Place(cloud, guests, connection, Stacks(OpenStackHeat(connection), every=0.1))


def cluster() -> Cluster:
    return Cluster.new(source=NODE, deadline=20, boot_allowance=20, dialect=Dialect.CFN)


def in_a_create(place: Place) -> tuple[Work, str, str]:
    """The work that the engine was killed in; its stack's state, and the node's handle."""
    place.guests.silent_nodes.add("Master0000")
    work = place.stacks.create("db", cluster())
    place.until(lambda: place.status("Master0000ReadyWaitCond") == "CREATE_IN_PROGRESS")
    return work, "CREATE_IN_PROGRESS", "Master0000ReadyWaitCondHandle"


def in_an_update(place: Place) -> tuple[Work, str, str]:
    place.stacks.wait(place.stacks.create("db", cluster()), LONG)
    place.guests.silent_nodes.add("Master0000")
    work = place.stacks.change("db", lambda made: made.renew("Master0000"))
    place.until(lambda: place.status("Master0000ReadyWaitCond2") == "CREATE_IN_PROGRESS")
    return work, "UPDATE_IN_PROGRESS", "Master0000ReadyWaitCondHandle2"


each_moment = pytest.mark.parametrize("killed", [in_a_create, in_an_update])


@each_moment
def test_the_stack_stays_in_progress_though_its_node_is_ready(
    place: Place, killed: Callable[[Place], tuple[Work, str, str]]
) -> None:
    work, status, handle = killed(place)

    place.cloud.kill_engine()
    place.guests.silent_nodes.clear()
    place.until(lambda: place.heard(handle) == 1)

    with pytest.raises(DeadlineExceeded, match=f"stack db is still {status} when the time is over"):
        place.stacks.wait(work, 0.5)
    with pytest.raises(CloudRefused, match=f"stack db is {status}"):
        place.stacks.change("db", lambda made: made.add_replica(NODE))


@each_moment
def test_it_can_be_deleted(place: Place, killed: Callable[[Place], tuple[Work, str, str]]) -> None:
    killed(place)
    place.cloud.kill_engine()

    assert place.stacks.wait(place.stacks.delete("db"), LONG).status == "DELETE_COMPLETE"
    assert place.guests.guests == {}


@each_moment
def test_an_update_with_its_own_template_takes_it_over_and_keeps_its_servers(
    place: Place, killed: Callable[[Place], tuple[Work, str, str]]
) -> None:
    killed(place)
    servers = set(place.guests.guests)
    place.cloud.kill_engine()
    place.guests.silent_nodes.clear()

    place.update_with_its_own_template()

    place.until(lambda: not place.stacks.status("db").stack.in_progress)
    assert place.stacks.status("db").stack.status == "UPDATE_COMPLETE"
    assert set(place.guests.guests) == servers
    assert len(place.stacks.cluster("db").replicas) == 0
