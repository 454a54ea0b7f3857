"""Updates of resources: changed in place, replaced, or left unchanged."""

from __future__ import annotations

from typing import Any

from tests.contract.guest import build_body, signal_handle
from tests.contract.heat import ContractStack, Document, HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import IN_PLACE, RECREATED, REPLACED, UPDATED
from tests.contract.rule import Observation
from tests.contract.templates import (
    att,
    cfn,
    condition,
    handle,
    hot,
    hot_resource,
    node_key,
    random_string,
    ref,
    resource,
    value,
)

area = HeatRuleArea("updates")


def create_complete_stack(heat: HeatClient, **more: Any) -> ContractStack:
    """Create a stack with a complete condition, like a cluster that is not in progress."""
    return signal_handle(heat.create_stack(build_template(**more))).wait_until_settled()


def build_template(timeout: int = 300, count: int = 1, **more: Document) -> Document:
    counted = condition(timeout=timeout, Count=count) if count > 1 else condition(timeout=timeout)
    return cfn(H=handle(), W=counted, **more)


def list_changes(heat: HeatClient, before: Document, after: Document, name: str) -> list[str]:
    """Return the statuses of a resource in an update, the oldest first."""
    return (
        heat.create_stack(before)
        .wait_until_settled()
        .update(after)
        .wait_until_settled()
        .list_update_statuses(name)
    )


@area.rule([UPDATED, {"H": "CREATE_COMPLETE", "W": "CREATE_COMPLETE"}])
def an_unchanged_template_changes_nothing(heat: HeatClient) -> Observation:
    stack = create_complete_stack(heat).update(build_template()).wait_until_settled()

    rows = stack.list_resources()
    return [stack.wait_for_outcome(), {name: rows[name]["resource_status"] for name in sorted(rows)}]


@area.rule([UPDATED, REPLACED])
def another_timeout_replaces_a_condition_and_completes_it_from_old_signals(heat: HeatClient) -> Observation:
    stack = create_complete_stack(heat).update(build_template(timeout=200)).wait_until_settled()
    return [stack.wait_for_outcome(), stack.list_update_statuses("W")]


@area.rule(["UPDATE_IN_PROGRESS", UPDATED, IN_PLACE])
def a_larger_count_waits_for_new_ids_in_place(heat: HeatClient) -> Observation:
    stack = (
        create_complete_stack(heat)
        .update(build_template(count=2))
        .wait_for_resource("W", "UPDATE_IN_PROGRESS")
    )
    state_before = stack.read_state()

    signal_handle(stack, "H", build_body(unique="second"))

    return [state_before, stack.wait_for_outcome(), stack.list_update_statuses("W")]


@area.rule([UPDATED, IN_PLACE])
def a_smaller_count_is_met_at_once(heat: HeatClient) -> Observation:
    stack = signal_handle(
        heat.create_stack(build_template(count=2)), "H", build_body(unique="1"), build_body(unique="2")
    ).wait_until_settled()

    stack.update(build_template()).wait_until_settled()

    return [stack.wait_for_outcome(), stack.list_update_statuses("W")]


@area.rule([UPDATED, ["H2", "W2"], True])
def a_new_generation_is_a_new_handle_and_condition(heat: HeatClient) -> Observation:
    stack = create_complete_stack(heat)
    before = stack.read_handle_url("H")

    stack.update(cfn(H2=handle(), W2=condition("H2"))).wait_for_resource("W2", "CREATE_IN_PROGRESS")
    signal_handle(stack, "H2")

    return [stack.wait_for_outcome(), sorted(stack.list_resources()), stack.read_handle_url("H2") != before]


@area.rule(["CREATE_IN_PROGRESS", "DELETE_COMPLETE"])
def an_unneeded_resource_is_deleted_at_once(heat: HeatClient) -> Observation:
    stack = create_complete_stack(heat)

    stack.update(cfn(H2=handle(), W2=condition("H2"))).wait_for_resource("W2", "CREATE_IN_PROGRESS")

    rows = stack.list_resources()
    signal_handle(stack, "H2").wait_until_settled()
    return [rows["W2"]["resource_status"], rows["W"]["resource_status"]]


@area.rule(True)
def a_handle_keeps_its_url_through_updates(heat: HeatClient) -> Observation:
    stack = create_complete_stack(heat, V=value(1))
    before = stack.read_handle_url("H")

    stack.update(build_template(V=value(2))).wait_until_settled()

    return stack.read_output("H") == before


@area.rule(IN_PLACE)
def a_value_changes_in_place(heat: HeatClient) -> Observation:
    return list_changes(heat, cfn(V=value(1)), cfn(V=value(2)), "V")


@area.rule(IN_PLACE)
def metadata_changes_in_place(heat: HeatClient) -> Observation:
    return list_changes(heat, cfn(V=value(Metadata={"k": 1})), cfn(V=value(Metadata={"k": 2})), "V")


@area.rule([UPDATED, '{"u": "d"}'])
def an_update_of_a_handle_s_metadata_leaves_its_signals_alone(heat: HeatClient) -> Observation:
    stack = create_complete_stack(heat)

    after = cfn({"Data": att("W", "Data")}, H=handle(Metadata={"k": 1}), W=condition())
    stack.update(after).wait_until_settled()

    return [stack.wait_for_outcome(), stack.read_output("Data")]


@area.rule([])
def a_resource_of_the_same_properties_stays_as_others_change(heat: HeatClient) -> Observation:
    before, after = cfn(R=random_string(), V=value(1)), cfn(R=random_string(), V=value(2))
    return list_changes(heat, before, after, "R")


@area.rule([True, False])
def a_random_string_stays_until_its_properties_change(heat: HeatClient) -> Observation:
    text = {"X": att("R", "value")}
    stack = heat.create_stack(cfn(text, R=random_string())).wait_until_settled()
    first = stack.read_output("X")

    second = stack.update(cfn(text, R=random_string(), V=value())).wait_until_settled().read_output("X")
    third = stack.update(cfn(text, R=random_string(length=13))).wait_until_settled().read_output("X")

    return [first == second, second == third]


@area.rule(REPLACED)
def another_salt_makes_another_random_string(heat: HeatClient) -> Observation:
    return list_changes(heat, cfn(R=random_string(salt="1")), cfn(R=random_string(salt="2")), "R")


@area.rule(REPLACED)
def a_policy_that_names_more_resources_is_another_policy(heat: HeatClient) -> Observation:
    before, after = cfn(V=value(), **node_key("V")), cfn(V=value(), W=value(), **node_key("V", "W"))
    return list_changes(heat, before, after, "KeyPolicy")


@area.rule(REPLACED)
def a_user_with_another_policy_is_another_user(heat: HeatClient) -> Observation:
    more = resource("OS::Heat::AccessPolicy", {"AllowedResources": ["V"]}, {})
    after = cfn(V=value(), More=more, **node_key("V"))
    after["Resources"]["KeyUser"] = resource(
        "AWS::IAM::User", {"Policies": [ref("KeyPolicy"), ref("More")]}, {}
    )
    return list_changes(heat, cfn(V=value(), **node_key("V")), after, "KeyUser")


@area.rule(IN_PLACE)
def another_order_of_dependencies_is_a_change_in_place(heat: HeatClient) -> Observation:
    before, after = cfn(A=value(), B=value(DependsOn="A")), cfn(A=value(DependsOn="B"), B=value())
    return list_changes(heat, before, after, "B")


@area.rule(RECREATED)
def another_type_under_a_name_replaces_the_resource(heat: HeatClient) -> Observation:
    return list_changes(heat, cfn(X=value()), cfn(X=random_string()), "X")


def build_test_resource(**properties: Any) -> Document:
    return hot(T=hot_resource("OS::Heat::TestResource", properties))


@area.rule(["CREATE_FAILED: Resource CREATE failed: ValueError: resources.T: Test Resource failed T"])
def a_test_resource_fails_if_its_properties_request_it(heat: HeatClient) -> Observation:
    return [heat.create_stack(build_test_resource(fail=True)).wait_for_outcome()]


@area.rule([["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"], True, False])
def a_test_resource_is_changed_in_place_or_replaced_as_requested(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_test_resource(value="a")).wait_until_settled()
    first = stack.read_physical_id("T")
    stack.update(build_test_resource(value="b")).wait_until_settled()
    history, second = stack.list_update_statuses("T"), stack.read_physical_id("T")
    stack.update(build_test_resource(value="c", update_replace=True)).wait_until_settled()
    return [history, first == second, second == stack.read_physical_id("T")]


@area.rule(
    [
        IN_PLACE,
        REPLACED,
    ]
)
def a_group_s_rules_change_in_place_and_its_description_does_not(heat: HeatClient) -> Observation:
    def group(text: str, port: str) -> Document:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8"}
        properties = {"GroupDescription": text, "SecurityGroupIngress": [rule]}
        return cfn(G=resource("AWS::EC2::SecurityGroup", properties, {}))

    ruled = list_changes(heat, group("g", "3306"), group("g", "3307"), "G")
    described = list_changes(heat, group("g", "3306"), group("another", "3306"), "G")
    return [ruled, described]
