"""Orders to ORCHESTRATOR for the security groups that a stack has beside that of the database."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    CreateRules,
    CreateSecurityGroup,
    DeleteRules,
    DeleteSecurityGroup,
    Order,
    UpdateRuleCidr,
)
from guestagent.resources.rule import Rule, build_rule
from tests.support.orders import build_order
from tests.unit.resources.orchestrator.stack_scenarios import MONITORING, OTHER_NETWORK, prepare_group
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, StackWorld, get_refusal

PING = build_rule(ip_network("192.0.2.0/24"), "icmp")
GROUP = "SecurityGroup-monitoring"


def build_world() -> StackWorld:
    world = StackWorld()
    prepare_group(world)
    return world


def list_rules(world: StackWorld) -> list[Rule]:
    assert world.cluster is not None
    return [rule for group in world.cluster.extra_groups for rule in group.rules]


def list_port_groups(world: StackWorld) -> set[str]:
    """Return the groups that all ports of the stack's template have."""
    resources = world.heat.live[CLUSTER].template["resources"]
    ports = [each for each in resources.values() if each["type"] == "OS::Neutron::Port"]
    groups = [{group["get_resource"] for group in port["properties"]["security_groups"]} for port in ports]
    assert len(groups) == 2
    assert groups[0] == groups[1]
    return groups[0]


def test_a_group_is_that_of_all_ports() -> None:
    world = build_world()

    assert list_port_groups(world) == {"Database", GROUP}
    assert list_rules(world) == [MONITORING]


def test_a_deleted_group_leaves_the_ports() -> None:
    world = build_world()

    done = world.run(build_order(DeleteSecurityGroup, group="monitoring"))

    assert done.state is OperationState.DONE
    assert list_port_groups(world) == {"Database"}
    assert GROUP not in str(world.heat.live[CLUSTER].template)


def test_rules_come_and_go() -> None:
    world = build_world()

    created = world.run(build_order(CreateRules, group="monitoring", rules=(PING, MONITORING)))
    both = list_rules(world)
    deleted = world.run(build_order(DeleteRules, group="monitoring", rules=(MONITORING,)))

    assert (created.state, deleted.state) == (OperationState.DONE, OperationState.DONE)
    assert set(both) == {PING, MONITORING}
    assert list_rules(world) == [PING]


def test_a_rule_that_is_there_sends_nothing() -> None:
    world = build_world()

    done = world.run(build_order(CreateRules, group="monitoring", rules=(MONITORING,)))

    assert done.state is OperationState.DONE
    assert world.heat.accepted == []


def test_a_rule_gets_another_network_with_both_in_between() -> None:
    world = build_world()
    between: list[set[Rule]] = []
    world.submit(build_order(UpdateRuleCidr, group="monitoring", rule=MONITORING, network=OTHER_NETWORK))

    while len(world.heat.accepted) < 2:
        world.live()
        between.append(set(list_rules(world)))

    assert {MONITORING, MONITORING.with_network(OTHER_NETWORK)} in between
    assert set() not in between
    assert list_rules(world) == [MONITORING.with_network(OTHER_NETWORK)]


@pytest.mark.parametrize(
    ("order_type", "values", "code"),
    [
        (CreateSecurityGroup, {"group": "monitoring"}, "exists"),
        (DeleteSecurityGroup, {"group": "web"}, "not_found"),
        (CreateRules, {"group": "web", "rules": (PING,)}, "not_found"),
        (DeleteRules, {"group": "monitoring", "rules": (PING,)}, "not_found"),
        (UpdateRuleCidr, {"group": "monitoring", "rule": PING, "network": OTHER_NETWORK}, "not_found"),
    ],
)
def test_what_is_not_so_fails_the_order(order_type: type[Order], values: dict[str, Any], code: str) -> None:
    world = build_world()

    failed = world.run(build_order(order_type, **values))

    assert get_refusal(failed)[0] == code
    assert world.heat.accepted == []


def test_a_stack_without_ports_has_one_group() -> None:
    world = StackWorld().create(network=None, subnet="private-subnet")

    failed = world.run(build_order(CreateSecurityGroup, group="monitoring"))

    code, message = get_refusal(failed)
    assert (code, "Nova makes the ports of these nodes" in message) == ("unsupported", True)
    assert world.heat.accepted == []
