"""The state of a stack, read only by requests that are safe in that state."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from guestagent.cli.progress import build_status_document, format_status
from guestagent.controller import Dialect, FakeHeat, NodeState, Resource, Stacks
from guestagent.controller.node_state import derive_node_state
from guestagent.controller.seed import UNKNOWN_SIZE, SourceSize
from guestagent.controller.status import SeedProgress, read_cluster_status
from guestagent.errors import InvalidTemplate
from guestagent.metadata import Role
from guestagent.retry import FakeClock
from tests.support.cluster_strategies import LARGE, SMALL, build_cluster
from tests.support.fake_stacks import launch_stack
from tests.support.seeding_clusters import GIB

NODE = replace(SMALL, name="Slave0000", server_id=102)


def build_heat(stack: str, replicas: int, is_idle: bool = True) -> FakeHeat:
    heat = FakeHeat()
    stacks = Stacks(heat, FakeClock())
    work = stacks.create(stack, build_cluster(replicas))
    if is_idle:
        stacks.wait(work, 3600)
    heat.asked.clear()
    return heat


def build_joining_heat(size: SourceSize) -> FakeHeat:
    """Build a Heat that waits for a replica, which gets its source's data."""
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster(1, dialect=Dialect.HOT))
    stacks.change("db", lambda cluster: cluster.add_replica(SMALL, size))
    live = heat.live["db"]
    live.pending_conditions = ["Another"] * 9
    return heat


def test_a_stack_at_rest_shows_roles_addresses_and_evidence() -> None:
    heat = build_heat("db", replicas=1)

    status = Stacks(heat, FakeClock()).status("db")

    assert [(str(n.role), n.node.name, n.node.flavor, n.state, n.address) for n in status.nodes] == [
        ("source", "Master0000", LARGE.flavor, NodeState.READY, "10.0.0.10"),
        ("replica", "Slave0000", SMALL.flavor, NodeState.READY, "10.0.0.12"),
    ]
    assert status.nodes[0].evidence == {"condition": "Master0000ReadyWaitCond"}


def test_a_stack_with_a_data_volume_is_shown_and_not_changed() -> None:
    heat = build_heat("db", replicas=1)
    template = json.loads(json.dumps(heat.live["db"].template))
    heat.live["db"].template, resources = template, template["Resources"]
    resources["Data"] = {"Type": "OS::Cinder::Volume", "Properties": {"size": 20}}
    resources["Slave0000"]["Metadata"]["GuestAgent"]["Volume"] = {"Id": {"Ref": "Data"}, "SizeGiB": 20}
    stacks = Stacks(heat, FakeClock())

    status = stacks.status("db")

    assert [(node.name, node.state, node.node.volume is None) for node in status.nodes] == [
        ("Master0000", NodeState.READY, True),
        ("Slave0000", NodeState.READY, False),
    ]
    with pytest.raises(InvalidTemplate, match=r"Resources\.Data: expected none.*an update would remove it"):
        stacks.change("db", lambda cluster: cluster.add_replica(SMALL))


def test_a_stack_in_progress_is_read_by_safe_requests_only() -> None:
    heat = build_heat("db", replicas=3, is_idle=False)

    status = Stacks(heat, FakeClock()).status("db")

    assert heat.asked == ["stacks", "resources", "template"]
    assert heat.endangered == []
    assert [(n.node.name, n.role, n.state) for n in status.nodes] == [
        ("Master0000", Role.SOURCE, NodeState.READY),
        ("Slave0000", Role.REPLICA, NodeState.READY),
        ("Slave0001", Role.REPLICA, NodeState.PROVING),
        ("Slave0002", Role.REPLICA, NodeState.PROVING),
    ]


def test_of_a_foreign_stack_in_progress_only_states_are_known() -> None:
    heat = build_heat("db", replicas=0, is_idle=False)
    heat.live["db"].template = {"Resources": {}}

    [node] = Stacks(heat, FakeClock()).status("db").nodes

    assert (node.name, node.role) == ("Master0000", None)


@pytest.mark.parametrize(
    ("updated", "elapsed_s", "text"),
    [
        ("2026-11-29T12:00:00Z", 600, "about 22 min expected, the update began 10 min ago"),
        ("2026-11-29T12:00:00", 600, "about 22 min expected, the update began 10 min ago"),
        ("2026-11-29T12:30:00Z", None, "about 22 min expected"),
        ("", None, "about 22 min expected"),
    ],
)
def test_a_replica_that_joins_shows_expected_time_beside_the_elapsed(
    updated: str, elapsed_s: float | None, text: str
) -> None:
    heat = build_joining_heat(SourceSize(100 * GIB))
    heat.live["db"].stack = replace(heat.live["db"].stack, updated=updated)

    status = read_cluster_status(heat, "db", datetime(2026, 11, 29, 12, 10, tzinfo=timezone.utc))

    seeds = {node.name: node.seed for node in status.nodes if node.seed is not None}
    assert seeds == {"Slave0001": SeedProgress(1310, elapsed_s)}
    assert format_status(status).splitlines()[-1].endswith(f"  {text}")


def test_a_seed_of_unknown_size_has_no_expected_time() -> None:
    status = Stacks(build_joining_heat(UNKNOWN_SIZE), FakeClock()).status("db")

    assert "its time is unknown" in format_status(status)
    assert build_status_document(status)["nodes"][2]["seed"] == {"expected": None, "elapsed": None}  # type: ignore[index]


def test_a_node_in_progress_is_shown_in_its_newest_generation() -> None:
    heat = build_heat("db", replicas=0)
    Stacks(heat, FakeClock()).change("db", lambda made: made.add_replica(SMALL).add_replica(SMALL))
    heat.live["db"].resources["Master0000ReadyWaitCond"] = Resource(
        "Master0000ReadyWaitCond", "CREATE_COMPLETE"
    )

    status = Stacks(heat, FakeClock()).status("db")

    assert [(n.node.name, n.node.generation) for n in status.nodes] == [
        ("Master0000", 3),
        ("Slave0000", 1),
        ("Slave0001", 1),
    ]


def derive_state(condition: str | None, handle: str | None) -> NodeState:
    statuses = {NODE.condition: condition, NODE.handle: handle}
    return derive_node_state(
        NODE, {name: Resource(name, status) for name, status in statuses.items() if status}
    )


def test_a_nodes_state_follows_its_handle_and_condition() -> None:
    assert derive_state(None, None) is NodeState.WAITING
    assert derive_state("INIT_COMPLETE", "INIT_COMPLETE") is NodeState.WAITING
    assert derive_state("INIT_COMPLETE", "CREATE_COMPLETE") is NodeState.BOOTING
    assert derive_state("CREATE_IN_PROGRESS", "CREATE_COMPLETE") is NodeState.PROVING
    assert derive_state("CREATE_COMPLETE", "CREATE_COMPLETE") is NodeState.READY
    assert derive_state("UPDATE_COMPLETE", "CREATE_COMPLETE") is NodeState.READY
    assert derive_state("CREATE_FAILED", "CREATE_COMPLETE") is NodeState.FAILED


def test_a_person_sees_a_table_with_the_evidence_in_short() -> None:
    heat = build_heat("db", replicas=1)
    evidence = {"version": "10.11.6-MariaDB", "lag": 0, "gtid": "0-101-7", "conditions": {}}
    heat.live["db"].resources["Slave0000ReadyWaitCond"] = Resource(
        "Slave0000ReadyWaitCond", "CREATE_COMPLETE", "", {"Data": json.dumps({"Slave0000-1": evidence})}
    )

    table = format_status(Stacks(heat, FakeClock()).status("db"))

    assert table.splitlines() == [
        "db is CREATE_COMPLETE",
        "node        role     state  address    flavor    generation  evidence",
        "Master0000  source   ready  10.0.0.10  m1.large  1           -",
        "Slave0000   replica  ready  10.0.0.12  m1.small  1           10.11.6-MariaDB, lag 0 s, 0-101-7",
    ]


def test_a_failed_node_is_shown_with_its_reason() -> None:
    heat = FakeHeat()
    heat.verdicts["Master0000ReadyWaitCond"] = "no binary log"
    Stacks(heat, FakeClock()).create("db", build_cluster())
    heat.stacks("db")

    table = format_status(Stacks(heat, FakeClock()).status("db"))

    assert "db is CREATE_FAILED: Resource CREATE failed: WaitConditionFailure" in table
    assert table.count("no binary log") == 1  # of the one node that failed, the stack's reason is its own


def test_a_program_gets_the_same_as_plain_values() -> None:
    heat = build_heat("db", replicas=0)

    document = build_status_document(Stacks(heat, FakeClock()).status("db"))

    assert json.loads(json.dumps(document)) == {
        "stack": "db",
        "id": "stack-1",
        "status": "CREATE_COMPLETE",
        "reason": "Stack CREATE completed",
        "nodes": [
            {
                "name": "Master0000",
                "role": "source",
                "state": "ready",
                "address": "10.0.0.10",
                "flavor": "m1.large",
                "image": "guestagent-mariadb",
                "server_id": 101,
                "generation": 1,
                "reason": None,
                "evidence": {"condition": "Master0000ReadyWaitCond"},
                "seed": None,
            }
        ],
    }


def test_a_node_whose_server_failed_is_failed_though_its_condition_never_began() -> None:
    heat = build_heat("db", replicas=1)
    reason = 'Resource CREATE failed: ResourceInError: resources.Slave0000: Went to status ERROR due to "No valid host"'
    live = heat.live["db"]
    live.stack = replace(live.stack, status="CREATE_FAILED", reason=reason)
    live.resources[NODE.condition] = Resource(NODE.condition, "INIT_COMPLETE")

    source, replica = Stacks(heat, FakeClock()).status("db").nodes

    assert (source.state, source.reason) == (NodeState.READY, "")
    assert (replica.state, replica.reason) == (NodeState.FAILED, reason)
