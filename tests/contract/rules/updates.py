"""What an update changes in place, what it replaces and what it leaves alone."""

from __future__ import annotations

from typing import Any

from tests.contract.guest import body, signal
from tests.contract.heat import Document, Heat, Stack, said
from tests.contract.outcomes import (
    COMPLETE,
    IN_PLACE,
    MADE_ANEW,
    REPLACED,
    UPDATED,
)
from tests.contract.rule import Area, Observation
from tests.contract.templates import (
    att,
    cfn,
    condition,
    h_typed,
    handle,
    hot,
    poller,
    random_string,
    ref,
    resource,
    value,
)

area = Area("updates")


def proven(heat: Heat, **more: Any) -> Stack:
    """A stack whose condition is complete; what a cluster looks like at rest."""
    return signal(heat.stack(node(**more))).settled()


def node(timeout: int = 300, count: int = 1, **more: Document) -> Document:
    counted = condition(timeout=timeout, Count=count) if count > 1 else condition(timeout=timeout)
    return cfn(H=handle(), W=counted, **more)


def changed(heat: Heat, before: Document, after: Document, name: str) -> list[str]:
    """What an update does to the named resource, oldest first."""
    return heat.stack(before).settled().update(after).settled().history(name)


@area.rule([UPDATED, {"H": "CREATE_COMPLETE", "W": "CREATE_COMPLETE"}])
def an_unchanged_template_touches_nothing(heat: Heat) -> Observation:
    stack = proven(heat).update(node()).settled()

    rows = stack.resources()
    return [stack.outcome(), {name: rows[name]["resource_status"] for name in sorted(rows)}]


@area.rule([UPDATED, REPLACED])
def another_timeout_replaces_a_condition_and_completes_it_from_old_signals(heat: Heat) -> Observation:
    stack = proven(heat).update(node(timeout=200)).settled()
    return [stack.outcome(), stack.history("W")]


@area.rule(["UPDATE_IN_PROGRESS", UPDATED, IN_PLACE])
def a_larger_count_waits_for_new_ids_in_place(heat: Heat) -> Observation:
    stack = proven(heat).update(node(count=2)).until("W", "UPDATE_IN_PROGRESS")
    waiting = stack.state()

    signal(stack, "H", body(unique="second"))

    return [waiting, stack.outcome(), stack.history("W")]


@area.rule([UPDATED, IN_PLACE])
def a_smaller_count_is_met_at_once(heat: Heat) -> Observation:
    stack = signal(heat.stack(node(count=2)), "H", body(unique="1"), body(unique="2")).settled()

    stack.update(node()).settled()

    return [stack.outcome(), stack.history("W")]


@area.rule([UPDATED, ["H2", "W2"], True])
def a_new_generation_is_a_new_handle_and_condition(heat: Heat) -> Observation:
    stack = proven(heat)
    before = stack.url("H")

    stack.update(cfn(H2=handle(), W2=condition("H2"))).until("W2", "CREATE_IN_PROGRESS")
    signal(stack, "H2")

    return [stack.outcome(), sorted(stack.resources()), stack.url("H2") != before]


@area.rule(["CREATE_IN_PROGRESS", "DELETE_COMPLETE"])
def what_nothing_needs_any_more_goes_at_once(heat: Heat) -> Observation:
    stack = proven(heat)

    stack.update(cfn(H2=handle(), W2=condition("H2"))).until("W2", "CREATE_IN_PROGRESS")

    rows = stack.resources()
    signal(stack, "H2").settled()
    return [rows["W2"]["resource_status"], rows["W"]["resource_status"]]


@area.rule(True)
def a_handle_keeps_its_url_through_updates(heat: Heat) -> Observation:
    stack = proven(heat, V=value(1))
    before = stack.url("H")

    stack.update(node(V=value(2))).settled()

    return stack.output("H") == before


@area.rule(IN_PLACE)
def a_value_changes_in_place(heat: Heat) -> Observation:
    return changed(heat, cfn(V=value(1)), cfn(V=value(2)), "V")


@area.rule(IN_PLACE)
def metadata_changes_in_place(heat: Heat) -> Observation:
    return changed(heat, cfn(V=value(Metadata={"k": 1})), cfn(V=value(Metadata={"k": 2})), "V")


@area.rule([UPDATED, '{"u": "d"}'])
def an_update_of_a_handle_s_metadata_leaves_its_signals_alone(heat: Heat) -> Observation:
    stack = proven(heat)

    after = cfn({"Data": att("W", "Data")}, H=handle(Metadata={"k": 1}), W=condition())
    stack.update(after).settled()

    return [stack.outcome(), stack.output("Data")]


@area.rule([])
def a_resource_of_the_same_properties_stays_as_others_change(heat: Heat) -> Observation:
    before, after = cfn(R=random_string(), V=value(1)), cfn(R=random_string(), V=value(2))
    return changed(heat, before, after, "R")


@area.rule([True, False])
def a_random_string_stays_until_its_properties_change(heat: Heat) -> Observation:
    text = {"X": att("R", "value")}
    stack = heat.stack(cfn(text, R=random_string())).settled()
    first = stack.output("X")

    second = stack.update(cfn(text, R=random_string(), V=value())).settled().output("X")
    third = stack.update(cfn(text, R=random_string(length=13))).settled().output("X")

    return [first == second, second == third]


@area.rule(REPLACED)
def another_salt_makes_another_random_string(heat: Heat) -> Observation:
    return changed(heat, cfn(R=random_string(salt="1")), cfn(R=random_string(salt="2")), "R")


@area.rule(REPLACED)
def a_policy_that_names_more_resources_is_another_policy(heat: Heat) -> Observation:
    before, after = cfn(V=value(), **poller("V")), cfn(V=value(), W=value(), **poller("V", "W"))
    return changed(heat, before, after, "KeyPolicy")


@area.rule(REPLACED)
def a_user_with_another_policy_is_another_user(heat: Heat) -> Observation:
    more = resource("OS::Heat::AccessPolicy", {"AllowedResources": ["V"]}, {})
    after = cfn(V=value(), More=more, **poller("V"))
    after["Resources"]["KeyUser"] = resource(
        "AWS::IAM::User", {"Policies": [ref("KeyPolicy"), ref("More")]}, {}
    )
    return changed(heat, cfn(V=value(), **poller("V")), after, "KeyUser")


@area.rule(IN_PLACE)
def another_order_of_dependencies_is_a_change_in_place(heat: Heat) -> Observation:
    before, after = cfn(A=value(), B=value(DependsOn="A")), cfn(A=value(DependsOn="B"), B=value())
    return changed(heat, before, after, "B")


@area.rule(MADE_ANEW)
def another_type_under_a_name_replaces_the_resource(heat: Heat) -> Observation:
    return changed(heat, cfn(X=value()), cfn(X=random_string()), "X")


@area.rule(["new", "x", "CREATE_COMPLETE"])
def outputs_change_alone(heat: Heat) -> Observation:
    stack = heat.stack(cfn({"X": "old"}, V=value())).settled()

    stack.update(cfn({"X": "new", "Y": att("V", "value")}, V=value())).settled()

    return [stack.output("X"), stack.output("Y"), stack.resources()["V"]["resource_status"]]


@area.rule(["UPDATE_COMPLETE", []])
def a_template_without_resources_empties_the_stack(heat: Heat) -> Observation:
    stack = heat.stack(cfn(A=value(), B=value())).settled().update(cfn()).settled()

    return [stack.state(), sorted(stack.resources())]


@area.rule([400, COMPLETE, True])
def a_refused_update_changes_nothing(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled()

    answer = stack.ask(method="PUT", json={"template": cfn(V=value(ref("Nobody")))})

    return [answer.status_code, stack.outcome(), stack.get("/template") == cfn(V=value())]


@area.rule([202, "UPDATE_COMPLETE", "b"])
def a_patch_without_a_template_keeps_it(heat: Heat) -> Observation:
    template = {
        **cfn({"X": ref("P")}, V=value(ref("P"))),
        "Parameters": {"P": {"Type": "String", "Default": "a"}},
    }
    stack = heat.stack(template).settled()

    answer = stack.ask(method="PATCH", json={"parameters": {"P": "b"}})

    return [answer.status_code, stack.settled().state(), stack.output("X")]


@area.rule([400, "No template specified"])
def an_update_without_a_template_is_refused(heat: Heat) -> Observation:
    answer = heat.stack(cfn(V=value())).settled().ask(method="PUT", json={"parameters": {}})
    return [answer.status_code, answer.json()["error"]["message"]]


@area.rule([["one"], ["one"], []])
def tags_that_are_not_given_again_are_forgotten_but_by_patch(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value()), tags="one").settled()
    first = stack.get()["stack"]["tags"]
    stack.ask(method="PATCH", json={})
    second = stack.settled().get()["stack"]["tags"]
    stack.update(cfn(V=value(2))).settled()
    return [first, second, stack.get()["stack"]["tags"]]


@area.rule(
    "400 ImmutableParameterModified: The following parameters are immutable and may not be updated: P"
)
def an_immutable_parameter_does_not_change(heat: Heat) -> Observation:
    template = hot(V=h_typed("OS::Heat::Value", {"value": {"get_param": "P"}}))
    template["parameters"] = {"P": {"type": "string", "immutable": True}}
    stack = heat.stack(template, parameters={"P": "a"}).settled()
    return said(stack.ask(method="PUT", json={"template": template, "parameters": {"P": "b"}}))


def tested(**properties: Any) -> Document:
    return hot(T=h_typed("OS::Heat::TestResource", properties))


@area.rule(["CREATE_FAILED: Resource CREATE failed: ValueError: resources.T: Test Resource failed T"])
def a_test_resource_fails_where_it_is_told_to(heat: Heat) -> Observation:
    return [heat.stack(tested(fail=True)).outcome()]


@area.rule([["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"], True, False])
def a_test_resource_is_changed_in_place_or_replaced_as_it_is_told(heat: Heat) -> Observation:
    stack = heat.stack(tested(value="a")).settled()
    first = stack.physical("T")
    stack.update(tested(value="b")).settled()
    history, second = stack.history("T"), stack.physical("T")
    stack.update(tested(value="c", update_replace=True)).settled()
    return [history, first == second, second == stack.physical("T")]


@area.rule(["given", "default"])
def parameters_that_are_not_given_again_are_forgotten(heat: Heat) -> Observation:
    template = {
        **cfn({"X": ref("P")}, V=value()),
        "Parameters": {"P": {"Type": "String", "Default": "default"}},
    }
    stack = heat.stack(template, parameters={"P": "given"}).settled()
    first = stack.output("X")

    stack.update({**template, "Description": "another"}).settled()

    return [first, stack.output("X")]


@area.rule(
    [
        IN_PLACE,
        REPLACED,
    ]
)
def a_group_s_rules_change_in_place_and_its_description_does_not(heat: Heat) -> Observation:
    def group(text: str, port: str) -> Document:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8"}
        properties = {"GroupDescription": text, "SecurityGroupIngress": [rule]}
        return cfn(G=resource("AWS::EC2::SecurityGroup", properties, {}))

    ruled = changed(heat, group("g", "3306"), group("g", "3307"), "G")
    described = changed(heat, group("g", "3306"), group("another", "3306"), "G")
    return [ruled, described]
