"""Stacks over openstacksdk and the embedded cloud: launched, changed, deleted; nothing read that endangers them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.controller import Cluster, Dialect, Event, Node, NodeChanged, NodeState, Stacks
from guestagent.embedded import Serving
from guestagent.errors import DeadlineExceeded, StackFailed
from tests.support.signalling_guests import SignallingHypervisor

# openstacksdk warns of itself at every connect and request.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

LARGE, SMALL = Node("m1.large", "guestagent-mariadb"), Node("m1.small", "guestagent-mariadb")
STACK_TIMEOUT_S = 120.0


def build_cluster(replicas: int = 1, deadline: int = 10) -> Cluster:
    return Cluster.new(
        source=LARGE,
        replicas=[SMALL] * replicas,
        deadline=deadline,
        boot_allowance=10,
        dialect=Dialect.CFN,
    )


def list_booted(guests: SignallingHypervisor) -> list[str]:
    return [about for call, about in guests.calls if call == "boot"]


def test_a_cluster_lives_through_its_changes_and_no_server_is_replaced(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    events: list[Event] = []
    stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S, events.append)
    stacks.wait(
        stacks.change("db", lambda cluster_now: cluster_now.add_replica(SMALL).add_replica(LARGE)),
        STACK_TIMEOUT_S,
        events.append,
    )
    stacks.wait(
        stacks.change("db", lambda cluster_now: cluster_now.remove_replica("Slave0000")),
        STACK_TIMEOUT_S,
        events.append,
    )
    cluster_status = stacks.status("db")

    assert [(str(n.role), n.node.name, n.node.flavor, n.node.generation) for n in cluster_status.nodes] == [
        ("source", "Master0000", "m1.large", 3),
        ("replica", "Slave0001", "m1.small", 1),
        ("replica", "Slave0002", "m1.large", 1),
    ]
    assert {n.state for n in cluster_status.nodes} == {NodeState.READY}
    assert cluster_status.nodes[0].evidence == {"version": "played", "lag": 0}
    assert len(list_booted(guests)) == 4
    assert {n.address for n in cluster_status.nodes} < {guest.address for guest in guests.guests.values()} | {
        ""
    }
    assert {e.name for e in events if isinstance(e, NodeChanged) and e.state is NodeState.READY} == {
        "Master0000",
        "Slave0000",
        "Slave0001",
        "Slave0002",
    }

    stacks.wait(stacks.delete("db"), STACK_TIMEOUT_S)

    assert guests.guests == {}
    assert cloud.dangerous_reads == []


def test_a_node_is_resized_in_place_and_proves_itself_alone(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S)

    stack = stacks.resize("db", "Slave0000", "m1.large", STACK_TIMEOUT_S)

    assert stack.status == "UPDATE_COMPLETE"
    assert [(n.node.name, n.node.flavor, n.node.generation, n.state) for n in stacks.status("db").nodes] == [
        ("Master0000", "m1.large", 1, NodeState.READY),
        ("Slave0000", "m1.large", 2, NodeState.READY),
    ]
    assert [server.flavor.name for server in cloud.cloud.compute.servers.values()] == ["m1.large", "m1.large"]
    assert len(list_booted(guests)) == 2
    assert cloud.dangerous_reads == []


def test_a_replica_that_fails_fails_the_stack_with_its_own_reason(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    guests.failure_reasons["Slave0000"] = "Slave0000 (replica): access denied for slave0000"

    with pytest.raises(StackFailed) as failed:
        stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S)

    assert failed.value.status == "CREATE_FAILED"
    assert failed.value.reason == (
        "Resource CREATE failed: WaitConditionFailure: resources.Slave0000ReadyWaitCond: "
        "Slave0000 (replica): access denied for slave0000"
    )
    assert [n.state for n in stacks.status("db").nodes] == [NodeState.READY, NodeState.FAILED]


def test_a_failed_cluster_is_mended_by_its_next_change(guests: SignallingHypervisor, stacks: Stacks) -> None:
    guests.failure_reasons["Slave0000"] = "not yet"
    with pytest.raises(StackFailed):
        stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S)
    guests.failure_reasons.clear()

    stacks.wait(stacks.change("db", lambda cluster_now: cluster_now.add_replica(SMALL)), STACK_TIMEOUT_S)

    assert [(n.node.name, n.node.generation, n.state) for n in stacks.status("db").nodes] == [
        ("Master0000", 2, NodeState.READY),
        ("Slave0000", 2, NodeState.READY),
        ("Slave0001", 1, NodeState.READY),
    ]


def test_a_silent_node_ends_its_condition_at_its_own_time(
    guests: SignallingHypervisor, stacks: Stacks
) -> None:
    guests.silent_nodes.add("Master0000")

    with pytest.raises(StackFailed, match=r"WaitConditionTimeout: .*: 0 of 1 received"):
        stacks.wait(
            stacks.create("db", replace(build_cluster(0, deadline=2), boot_allowance=1)), STACK_TIMEOUT_S
        )


def test_the_deadline_leaves_the_stack_at_work(guests: SignallingHypervisor, stacks: Stacks) -> None:
    guests.silent_nodes.add("Master0000")
    work = stacks.create("db", build_cluster(0))

    with pytest.raises(DeadlineExceeded, match="stack db is still CREATE_IN_PROGRESS"):
        stacks.wait(work, 1.0)

    assert stacks.status("db").stack.in_progress


def test_an_outage_of_heat_during_the_waiting_is_waited_out(cloud: Serving, stacks: Stacks) -> None:
    work = stacks.create("db", build_cluster())
    cloud.fault("heat", "503", 2.0)

    assert stacks.wait(work, STACK_TIMEOUT_S).status == "CREATE_COMPLETE"
