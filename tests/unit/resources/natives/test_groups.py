"""Security groups and rules: what people change by hand, what the cloud refuses, and no gap in a change of network."""

from __future__ import annotations

from ipaddress import ip_network

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.fake_project import FakeGroup
from guestagent.resources.natives.requests import CreateRule, DeleteRule, SetPortGroups
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import CreateRules, CreateSecurityGroup, DeleteRules, UpdateRuleCidr
from guestagent.resources.rule import Rule
from guestagent.resources.wanted import DATABASE_GROUP
from tests.support.orders import build_order
from tests.unit.resources.clusters import CLIENTS, MEMBERS
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.scenarios import CREATE_GROUP, MONITORS, OTHER_NETWORK, update_cidr
from tests.unit.resources.natives.worlds import World


def get_rules(world: World) -> dict[str, Rule]:
    (group,) = world.cloud.project.groups.values()
    return group.rules


def find_rule_id(world: World, rule: Rule) -> str:
    return next(rule_id for rule_id, each in get_rules(world).items() if each == rule)


def test_a_rule_that_somebody_removed_returns_within_a_minute() -> None:
    world = World().create()
    world.live(70)
    del get_rules(world)[find_rule_id(world, CLIENTS)]

    world.live(65)

    assert CLIENTS in get_rules(world).values()
    world.live(65)
    assert find_differences(world) == []


def test_a_rule_that_somebody_added_stays() -> None:
    world = World().create()
    get_rules(world)["by-hand"] = MONITORS

    assert world.run(update_cidr()).state is OperationState.DONE

    assert MONITORS in get_rules(world).values()


def test_a_new_network_over_the_quota_leaves_the_old_rule() -> None:
    world = World().create()
    world.cloud.project.limits.rules = 2

    operation = world.run(update_cidr())

    assert operation.state is OperationState.FAILED
    assert operation.refusal is not None
    assert operation.refusal.code is RefusalCode.QUOTA
    assert world.count_requests(DeleteRule) == 0
    world.live(140)
    assert world.count_requests(CreateRule) == 1, "it is not tried again"
    assert find_differences(world) == []
    assert CLIENTS in get_rules(world).values()


def test_the_same_network_needs_no_request() -> None:
    world = World().create()
    assert CLIENTS.network is not None

    operation = world.run(
        build_order(UpdateRuleCidr, group=DATABASE_GROUP, rule=CLIENTS, network=CLIENTS.network)
    )

    assert operation.state is OperationState.DONE
    assert world.cloud.requests == []


def test_two_changes_of_one_rule_happen_one_after_the_other() -> None:
    world = World().create()
    third_network = ip_network("203.0.113.0/24")
    first = world.submit(update_cidr())
    second = world.submit(
        build_order(
            UpdateRuleCidr,
            group=DATABASE_GROUP,
            rule=CLIENTS.with_network(OTHER_NETWORK),
            network=third_network,
        )
    )

    world.live(60)

    assert [world.get_operation(each).state for each in (first, second)] == [OperationState.DONE] * 2
    assert CLIENTS.with_network(third_network) in get_rules(world).values()
    assert find_differences(world) == []


def test_an_ipv6_rule_is_created() -> None:
    world = World().create()
    rule = CLIENTS.with_network(ip_network("2001:db8::/64"))

    assert (
        world.run(build_order(CreateRules, group=DATABASE_GROUP, rules=(rule,))).state is OperationState.DONE
    )

    assert rule in get_rules(world).values()


def test_a_group_over_the_quota_fails_its_order_and_leaves_nothing() -> None:
    world = World().create()
    world.cloud.project.limits.groups = 1

    operation = world.run(CREATE_GROUP())

    assert operation.refusal is not None
    assert operation.refusal.code is RefusalCode.QUOTA
    assert find_differences(world) == []


def test_a_group_without_rules_is_on_every_port() -> None:
    world = World().create(replicas=1)

    operation = world.run(build_order(CreateSecurityGroup, group="audit"))

    assert operation.state is OperationState.DONE
    assert find_differences(world) == []
    assert {len(port.groups) for port in world.cloud.project.ports.values()} == {2}


def test_groups_that_people_gave_to_a_port_stay() -> None:
    world = World().create()
    (port,) = world.cloud.project.ports.values()
    world.cloud.project.groups["by-hand"] = FakeGroup("by-hand", "by-hand", "")
    port.groups.add("by-hand")

    world.run(CREATE_GROUP())

    assert "by-hand" in port.groups
    assert len(port.groups) == 3


def test_a_rule_that_is_created_long_after_its_order_failed_is_deleted_each_time() -> None:
    world = World().create()
    world.cloud.faults.append(CloudFault(FaultKind.LATE, CreateRule, times=3, ticks=90))
    world.cloud.faults.append(CloudFault(FaultKind.REFUSED, CreateRule))

    operation = world.run(update_cidr())
    world.live(200)

    assert operation.state is OperationState.FAILED
    assert find_differences(world) == []
    assert set(get_rules(world).values()) == {CLIENTS, MEMBERS}


def test_a_group_that_somebody_deleted_returns_with_its_rules() -> None:
    world = World().create()
    project = world.cloud.project
    (group_id,) = project.groups
    for port in project.ports.values():
        port.groups.clear()
    del project.groups[group_id]

    operation = world.run(build_order(CreateRules, group=DATABASE_GROUP, rules=(MONITORS,)))

    assert operation.state is OperationState.DONE
    assert world.count_requests(SetPortGroups) == 1
    assert set(get_rules(world).values()) >= {CLIENTS, MEMBERS, MONITORS}
    assert find_differences(world) == []


def test_a_group_that_a_stale_list_leaves_out_for_a_moment_is_not_created_again() -> None:
    world = World().create()
    groups = world.cloud.project.groups
    hidden = dict(groups)
    operation_id = world.submit(build_order(CreateRules, group=DATABASE_GROUP, rules=(MONITORS,)))

    groups.clear()
    world.live(4)
    waiting_for = world.get_operation(operation_id).waiting_for
    groups.update(hidden)
    world.live(100)

    assert waiting_for == "security group database is not listed"
    assert world.get_operation(operation_id).state is OperationState.DONE
    assert groups.keys() == hidden.keys()


def test_a_rule_that_somebody_made_again_in_other_words_is_left_alone() -> None:
    world = World().create()
    rules = get_rules(world)
    for name in ("a-rule", "z-rule"):
        rules[name] = CLIENTS

    operation = world.run(build_order(DeleteRules, group=DATABASE_GROUP, rules=(CLIENTS,)))

    assert operation.state is OperationState.DONE
    assert {name for name, rule in rules.items() if rule == CLIENTS} == {"a-rule", "z-rule"}


def test_a_rule_is_noted_once_though_it_is_there_twice() -> None:
    world = World().create()
    rules = get_rules(world)
    del rules[find_rule_id(world, CLIENTS)]
    rules["a-rule"] = rules["b-rule"] = CLIENTS

    operation = world.run(build_order(CreateRules, group=DATABASE_GROUP, rules=(MONITORS,)))

    assert operation.state is OperationState.DONE
    assert MONITORS in rules.values()
