"""Orders to ORCHESTRATOR that concern servers and volumes which behave badly."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.natives.requests import DeleteVolume, GrowVolume
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateRules,
    CreateSecurityGroup,
    DeleteCluster,
    DeleteInstance,
    DeleteRules,
    DeleteSecurityGroup,
    Order,
    RenewInstance,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from tests.support.orders import build_order
from tests.unit.resources.clusters import MEMBERS
from tests.unit.resources.orchestrator.stack_worlds import (
    CLUSTER,
    StackWorld,
    get_refusal,
    live_until_sent,
)

ABSENT = build_rule(ip_network("203.0.113.0/24"), port_min=3306)


def test_a_resize_without_a_host_fails_while_heat_waits() -> None:
    world = StackWorld().create()
    project = world.cloud.project
    project.begin_action("Slave0000-id", "resize")
    project.end_action("Slave0000-id", "resize", "Error", "an old one, which says nothing")
    order = build_order(
        ResizeInstance, instance="Slave0000", flavor="m1.large", on_failure=ResizeFailure.KEEP
    )
    operation_id = live_until_sent(world, order)
    world.heat.live[CLUSTER].pending_conditions = ["Slave0000ReadyWaitCond"] * 1000
    world.live(5)
    assert world.get_operation(operation_id).state is OperationState.RUNNING

    project.begin_action("Slave0000-id", "resize")
    project.end_action("Slave0000-id", "resize", "Error", "No valid host was found.")
    world.live(5)

    code, message = get_refusal(world.get_operation(operation_id))
    assert (code, "No valid host was found." in message) == ("no_capacity", True)


def test_a_node_that_does_not_prove_itself_on_its_new_flavor_gets_the_old_one_back() -> None:
    world = StackWorld().create()
    world.heat.verdicts["Slave0000ReadyWaitCond2"] = "too little memory"

    failed = world.run(build_order(ResizeInstance, instance="Slave0000", flavor="m1.tiny"))

    code, message = get_refusal(failed)
    assert code == "refused"
    assert "Slave0000 has its old flavor m1.small again" in message
    assert "too little memory" in message
    assert world.heat.accepted == ["update"] * 4
    assert world.cloud.project.servers["Slave0000-id"].flavor == "m1.small"
    assert world.heat.live[CLUSTER].stack.status == "UPDATE_COMPLETE"


def test_a_node_that_does_not_prove_itself_keeps_its_new_flavor_if_the_order_says_so() -> None:
    world = StackWorld().create()
    world.heat.verdicts["Slave0000ReadyWaitCond2"] = "too little memory"

    failed = world.run(
        build_order(ResizeInstance, instance="Slave0000", flavor="m1.tiny", on_failure=ResizeFailure.KEEP)
    )

    assert "too little memory" in get_refusal(failed)[1]
    assert world.heat.accepted == ["update"] * 2
    assert world.cloud.project.servers["Slave0000-id"].flavor == "m1.tiny"


@pytest.mark.parametrize(
    ("limits", "size_gib", "code"),
    [
        ({"fails_volume_growth": True}, 20, "refused"),
        ({"has_backend": False}, 20, "no_capacity"),
        ({"has_backend": False, "has_messages": False}, 20, "refused"),
        ({"gibibytes": 25}, 20, "quota"),
        ({}, 5, "invalid"),
    ],
)
def test_a_volume_that_cinder_does_not_grow_leaves_the_template(
    limits: dict[str, Any], size_gib: int, code: str
) -> None:
    world = StackWorld().create()
    for name, value in limits.items():
        setattr(world.cloud.project.limits, name, value)

    failed = world.run(build_order(ResizeVolume, instance="Slave0000", size_gib=size_gib))

    assert get_refusal(failed)[0] == code
    assert world.heat.accepted == []
    assert sum(isinstance(each, GrowVolume) for each in world.cloud.requests) <= 1


def test_a_growth_without_room_ends_at_once_with_the_reason() -> None:
    world = StackWorld().create()
    world.cloud.project.limits.has_backend = False
    began_at = world.clock.time

    failed = world.run(build_order(ResizeVolume, instance="Slave0000", size_gib=20))

    assert "extend volume:Could not find any available weighted backend." in get_refusal(failed)[1]
    assert world.clock.time - began_at < 30


def test_a_growth_whose_answer_is_lost_is_not_repeated() -> None:
    world = StackWorld().create()
    world.cloud.project.volumes["Slave0000Volume-id"].status = "extending"
    world.cloud.project.volumes["Slave0000Volume-id"].wanted_gib = 20
    world.cloud.project.volumes["Slave0000Volume-id"].countdown = 5

    done = world.run(build_order(ResizeVolume, instance="Slave0000", size_gib=20))

    assert done.state is OperationState.DONE
    assert [each for each in world.cloud.requests if isinstance(each, GrowVolume)] == []


def test_a_growth_that_cannot_begin_needs_a_person_and_goes_on_afterwards() -> None:
    world = StackWorld().create()
    volume = world.cloud.project.volumes["Slave0000Volume-id"]
    volume.status = "attaching"
    operation_id = world.submit(build_order(ResizeVolume, instance="Slave0000", size_gib=20))
    world.live(1900)
    stuck = world.get_operation(operation_id)
    volume.status = "in-use"

    world.live(60)

    assert stuck.state is OperationState.RUNNING
    assert stuck.attention == "data volume Slave0000Volume-id is attaching for too long: look at Cinder"
    assert world.get_operation(operation_id).state is OperationState.DONE


def test_a_server_in_error_is_not_replaced() -> None:
    world = StackWorld().create()
    world.heat.statuses["Slave0000"] = "UPDATE_FAILED"
    world.cloud.project.servers["Slave0000-id"].status = "ERROR"

    failed = world.run(build_order(RenewInstance, instance="Master0000"))

    code, message = get_refusal(failed)
    assert (code, "Heat would replace the server Slave0000" in message) == ("refused", True)
    assert world.heat.accepted == []


def test_volumes_that_heat_would_delete_are_not_kept_by_hope() -> None:
    world = StackWorld().create()
    resources = world.heat.live[CLUSTER].template["resources"]
    del resources["Master0000Volume"]["deletion_policy"]

    failed = world.run(build_order(DeleteCluster, volumes=VolumeFate.KEEP))

    code, message = get_refusal(failed)
    assert (code, "Heat deletes Master0000Volume with the stack" in message) == ("refused", True)
    assert world.heat.accepted == []
    assert world.run(build_order(RenewInstance, instance="Slave0000")).state is OperationState.DONE


def test_a_volume_that_goes_with_its_instance_is_kept_first_if_the_order_keeps_it() -> None:
    world = StackWorld().create()
    resources = world.heat.live[CLUSTER].template["resources"]
    del resources["Slave0000Volume"]["deletion_policy"]

    done = world.run(build_order(DeleteInstance, instance="Slave0000", volume=VolumeFate.KEEP))

    assert done.state is OperationState.DONE
    assert world.heat.accepted == ["update", "update"]
    assert world.cloud.project.volumes["Slave0000Volume-id"].status == "available"


def test_a_volume_that_cinder_cannot_delete_needs_a_person() -> None:
    world = StackWorld().create(replicas=0)
    world.cloud.project.limits.fails_volume_deletion = True

    stuck = world.run(build_order(DeleteCluster, volumes=VolumeFate.DELETE))

    assert "an administrator has to reset its state" in stuck.attention
    world.cloud.project.limits.fails_volume_deletion = False
    world.cloud.project.volumes["Master0000Volume-id"].status = "available"
    world.live(15)
    assert world.get_operation(stuck.id).state is OperationState.DONE
    assert len([each for each in world.cloud.requests if isinstance(each, DeleteVolume)]) == 2
    assert world.cloud.project.volumes == {}


@pytest.mark.parametrize(
    ("order_type", "values", "code"),
    [
        (DeleteRules, {"rules": (ABSENT,)}, "not_found"),
        (UpdateRuleCidr, {"rule": ABSENT, "network": ip_network("198.51.100.0/24")}, "not_found"),
    ],
)
def test_a_rule_that_is_not_there_fails_the_order(
    order_type: type[Order], values: dict[str, Any], code: str
) -> None:
    world = StackWorld().create()

    failed = world.run(build_order(order_type, group="database", **values))

    assert get_refusal(failed)[0] == code
    assert world.heat.accepted == []


def test_an_added_instance_is_in_the_zone_of_its_order() -> None:
    world = StackWorld().create()

    world.run(build_order(AddInstance, flavor="m1.small", image="db", volume_gib=1, zone="north"))

    assert world.cluster is not None
    assert [node.zone for node in world.cluster] == [None, None, "north"]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (build_order(CreateSecurityGroup, group="database"), "exists"),
        (build_order(DeleteSecurityGroup, group="database"), "refused"),
        (build_order(DeleteRules, group="database", rules=(MEMBERS,)), "unsupported"),
        (
            build_order(
                CreateRules,
                group="database",
                rules=(build_rule(ip_network("192.0.2.0/24"), port_min=22),),
            ),
            "unsupported",
        ),
    ],
)
def test_what_no_template_has_is_refused_at_once(order: Order, code: str) -> None:
    world = StackWorld().create()

    with pytest.raises(OrderRefused) as refused:
        world.submit(order)

    assert refused.value.code == code
