"""What ORCHESTRATOR shows of its clusters, and what shows that a cluster is its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.controller.heat_api import Resource, Stack
from guestagent.controller.node import Node
from guestagent.controller.node_state import NodeState
from guestagent.controller.status import NodeStatus
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.cloud_api import CloudGroup, CloudObservation, CloudServer
from guestagent.resources.natives.fake_inventory import FLAVORS
from guestagent.resources.orchestrator.instance_views import (
    StackLook,
    build_group_views,
    choose_instance_state,
)
from guestagent.resources.orchestrator.template_mark import TemplateMark, mark_template
from guestagent.resources.orders import CreateCluster, UnregisterCluster
from guestagent.resources.views import InstanceState
from tests.support.orders import build_order
from tests.unit.resources.clusters import CLIENTS, MEMBERS
from tests.unit.resources.orchestrator.stack_scenarios import prepare_foreign_stack
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, DESCRIPTION, StackWorld, set_status

SERVER = CloudServer(id="s1", name="db", status="ACTIVE", flavor="m1.small")


def ask(world: StackWorld) -> OrderIntake:
    return OrderIntake(world.store, select_engine(world.build_engine()))


def test_the_instances_of_a_cluster_at_rest_are_ready() -> None:
    world = StackWorld().create()

    source, replica = ask(world).instances(CLUSTER)

    assert (source.name, source.role, replica.role) == ("Master0000", "source", "replica")
    assert {source.state, replica.state} == {InstanceState.READY}
    assert (source.server_id, source.volume_id, source.port_id) == (
        "Master0000-id",
        "Master0000Volume-id",
        "Master0000Port-id",
    )
    assert (source.flavor, source.volume_gib, source.wanted_volume_gib) == ("m1.small", 10, 10)
    assert (source.generation, source.proved_generation, source.drift) == (1, 1, ())


def test_no_read_endangers_a_stack_that_heat_works_on() -> None:
    world = StackWorld().create()
    set_status(world, "UPDATE_IN_PROGRESS")
    world.heat.live[CLUSTER].pending_conditions = ["Master0000ReadyWaitCond"] * 100
    intake = ask(world)

    intake.instances(CLUSTER)
    intake.security_groups(CLUSTER)
    intake.audit()

    assert world.heat.endangered == []


def test_a_server_that_somebody_has_resized_is_told() -> None:
    world = StackWorld().create()
    world.cloud.project.servers["Slave0000-id"].flavor = "m1.large"

    _, replica = ask(world).instances(CLUSTER)

    assert replica.drift == ("its server has flavor m1.large, and the template says m1.small",)


@pytest.mark.parametrize(
    ("stack_status", "node_state", "server", "state"),
    [
        ("CREATE_IN_PROGRESS", NodeState.WAITING, None, InstanceState.NEW),
        ("CREATE_IN_PROGRESS", NodeState.BOOTING, None, InstanceState.BUILDING),
        ("CREATE_IN_PROGRESS", NodeState.BOOTING, SERVER, InstanceState.BOOTING),
        ("CREATE_IN_PROGRESS", NodeState.PROVING, SERVER, InstanceState.PROVING),
        ("CREATE_COMPLETE", NodeState.READY, SERVER, InstanceState.READY),
        ("UPDATE_FAILED", NodeState.FAILED, SERVER, InstanceState.ATTENTION),
        ("UPDATE_COMPLETE", NodeState.READY, replace(SERVER, status="ERROR"), InstanceState.ATTENTION),
        ("UPDATE_IN_PROGRESS", NodeState.BOOTING, replace(SERVER, status="RESIZE"), InstanceState.RESIZING),
        (
            "UPDATE_IN_PROGRESS",
            NodeState.BOOTING,
            replace(SERVER, status="VERIFY_RESIZE"),
            InstanceState.VERIFYING,
        ),
        ("DELETE_IN_PROGRESS", NodeState.READY, SERVER, InstanceState.DELETING),
        ("DELETE_FAILED", NodeState.READY, SERVER, InstanceState.DELETING),
    ],
)
def test_the_state_of_an_instance(
    stack_status: str, node_state: NodeState, server: CloudServer | None, state: InstanceState
) -> None:
    resources = {"Slave0000": Resource("Slave0000", "", id="" if server is None else server.id)}
    stack = Stack("stack-1", CLUSTER, stack_status)
    look = StackLook(CLUSTER, stack, resources, CloudObservation())
    status = NodeStatus(Node("m1.small", "db", name="Slave0000"), node_state)

    assert choose_instance_state(look, status, server)[0] is state


@pytest.mark.parametrize(("is_complete", "state"), [(True, InstanceState.GONE), (False, InstanceState.READY)])
def test_a_server_is_gone_only_by_a_complete_list(is_complete: bool, state: InstanceState) -> None:
    resources = {"Slave0000": Resource("Slave0000", "", id="s1")}
    stack = Stack("stack-1", CLUSTER, "CREATE_COMPLETE")
    look = StackLook(CLUSTER, stack, resources, CloudObservation(is_complete=is_complete))
    status = NodeStatus(Node("m1.small", "db", name="Slave0000"), NodeState.READY)

    assert choose_instance_state(look, status, None)[0] is state


def test_a_group_shows_the_rules_of_the_template() -> None:
    world = StackWorld().create()

    (group,) = ask(world).security_groups(CLUSTER)

    assert (group.name, group.id) == ("database", "Database-id")
    assert set(group.wanted_rules) == {CLIENTS, MEMBERS}


def test_the_preflight_tells_all_problems_at_once() -> None:
    world = StackWorld()
    assert world.heat.types is not None
    world.heat.types -= {"OS::Cinder::Volume"}
    world.cloud.project.limits.servers, world.cloud.project.limits.gibibytes = 1, 5

    problems = ask(world).preflight(build_order(CreateCluster, description=DESCRIPTION))

    messages = [each.message for each in problems]
    assert any("OS::Cinder::Volume" in each for each in messages)
    assert any(each.startswith("quota of instances") for each in messages)
    assert any(each.startswith("quota of gigabytes") for each in messages)
    assert world.heat.accepted == []


def test_a_stack_of_the_same_name_stops_a_preflight() -> None:
    world = StackWorld()
    prepare_foreign_stack(world)

    (problem,) = ask(world).preflight(build_order(CreateCluster, description=DESCRIPTION))

    assert problem.code == "exists"


def test_a_row_and_the_mark_show_the_owner() -> None:
    owner = ask(StackWorld().create()).owner(CLUSTER)

    assert (owner.engine, len(owner.evidence)) == ("orchestrator", 2)


def test_a_stack_without_a_row_shows_its_owner_by_its_template() -> None:
    world = StackWorld()
    prepare_foreign_stack(world)

    assert ask(world).owner(CLUSTER).evidence == ("the template of stack stack-1 is a cluster's",)


@pytest.mark.parametrize("is_cluster", [True, False])
def test_a_stack_of_another_manager_or_of_something_else_shows_nothing(is_cluster: bool) -> None:
    world = StackWorld()
    prepare_foreign_stack(world)
    mark = TemplateMark(store="aa-1", cluster="bb-2", operation="cc-3", number=0)
    live = world.heat.live[CLUSTER]
    other = {"heat_template_version": "2018-08-31", "resources": {}}
    live.template = mark_template(live.template, mark) if is_cluster else other

    assert world.build_engine().find_evidence(CLUSTER, None) == ()


def test_an_audit_finds_stacks_without_rows_and_rows_without_stacks_at_the_second_look() -> None:
    world = StackWorld().create()
    world.run(build_order(UnregisterCluster))
    intake = OrderIntake(world.store, select_engine(world.build_engine()))

    (first,) = intake.audit()
    world.clock.sleep(1000)
    (second,) = intake.audit()

    assert (str(first.kind), str(second.kind)) == ("unsettled", "orphan")
    assert (second.resource, second.cloud_id, second.is_cleanable) == ("stack", "stack-1", False)


def test_an_audit_finds_a_row_whose_stack_is_gone_and_kept_volumes() -> None:
    world = StackWorld().create(replicas=0)
    world.heat.live.clear()
    world.live()
    intake = OrderIntake(world.store, select_engine(world.build_engine()))
    intake.audit()
    world.clock.sleep(1000)

    findings = intake.audit()

    assert {(str(each.kind), each.resource) for each in findings} == {
        ("missing", "stack"),
        ("kept_volume", "volume"),
    }


def test_an_audit_of_a_cluster_at_rest_finds_nothing() -> None:
    assert ask(StackWorld().create()).audit() == []


def test_a_flavor_that_a_template_has_by_its_id_is_no_drift() -> None:
    world = StackWorld().create(flavor=FLAVORS[1].id)
    for server in world.cloud.project.servers.values():
        server.flavor = FLAVORS[1].name

    views = ask(world).instances(CLUSTER)

    assert {view.wanted_flavor for view in views} == {FLAVORS[1].name}
    assert [text for view in views for text in view.drift] == []


def test_a_rule_that_no_order_can_express_is_shown_as_drift() -> None:
    world = StackWorld().create()
    stack, cluster = world.heat.live[CLUSTER].stack, world.cluster
    assert cluster is not None
    group = CloudGroup(id="g1", name="database", foreign_rules=frozenset({"rule-of-ping"}))
    resources = {cluster.group.resource: Resource(cluster.group.resource, "", id=group.id)}
    look = StackLook(CLUSTER, stack, resources, CloudObservation(groups={group.id: group}))

    (view,) = build_group_views(look, cluster)

    assert view.drift[-1] == "rule rule-of-ping is one that no order can express"
