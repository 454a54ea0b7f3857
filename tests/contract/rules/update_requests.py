"""Requests for an update: what a template, parameters and tags in it change."""

from __future__ import annotations

from tests.contract.heat import HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import COMPLETE
from tests.contract.rule import Observation
from tests.contract.templates import att, cfn, hot, hot_resource, ref, value

area = HeatRuleArea("requests for an update")


@area.rule(["new", "x", "CREATE_COMPLETE"])
def outputs_change_alone(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn({"X": "old"}, V=value())).wait_until_settled()

    stack.update(cfn({"X": "new", "Y": att("V", "value")}, V=value())).wait_until_settled()

    return [stack.read_output("X"), stack.read_output("Y"), stack.list_resources()["V"]["resource_status"]]


@area.rule(["UPDATE_COMPLETE", []])
def a_template_without_resources_empties_the_stack(heat: HeatClient) -> Observation:
    stack = (
        heat.create_stack(cfn(A=value(), B=value())).wait_until_settled().update(cfn()).wait_until_settled()
    )

    return [stack.read_state(), sorted(stack.list_resources())]


@area.rule([400, COMPLETE, True])
def a_refused_update_changes_nothing(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled()

    answer = stack.request(method="PUT", json={"template": cfn(V=value(ref("Nobody")))})

    return [answer.status_code, stack.wait_for_outcome(), stack.read("/template") == cfn(V=value())]


@area.rule([202, "UPDATE_COMPLETE", "b"])
def a_patch_without_a_template_keeps_it(heat: HeatClient) -> Observation:
    template = {
        **cfn({"X": ref("P")}, V=value(ref("P"))),
        "Parameters": {"P": {"Type": "String", "Default": "a"}},
    }
    stack = heat.create_stack(template).wait_until_settled()

    answer = stack.request(method="PATCH", json={"parameters": {"P": "b"}})

    return [answer.status_code, stack.wait_until_settled().read_state(), stack.read_output("X")]


@area.rule([400, "No template specified"])
def an_update_without_a_template_is_refused(heat: HeatClient) -> Observation:
    answer = (
        heat.create_stack(cfn(V=value())).wait_until_settled().request(method="PUT", json={"parameters": {}})
    )
    return [answer.status_code, answer.json()["error"]["message"]]


@area.rule([["one"], ["one"], []])
def only_a_patch_keeps_tags_that_are_not_repeated(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value()), tags="one").wait_until_settled()
    first = stack.read()["stack"]["tags"]
    stack.request(method="PATCH", json={})
    second = stack.wait_until_settled().read()["stack"]["tags"]
    stack.update(cfn(V=value(2))).wait_until_settled()
    return [first, second, stack.read()["stack"]["tags"]]


@area.rule("400 ImmutableParameterModified: The following parameters are immutable and may not be updated: P")
def an_immutable_parameter_does_not_change(heat: HeatClient) -> Observation:
    template = hot(V=hot_resource("OS::Heat::Value", {"value": {"get_param": "P"}}))
    template["parameters"] = {"P": {"type": "string", "immutable": True}}
    stack = heat.create_stack(template, parameters={"P": "a"}).wait_until_settled()
    return format_response(stack.request(method="PUT", json={"template": template, "parameters": {"P": "b"}}))


@area.rule(["given", "default"])
def parameters_that_are_not_repeated_are_dropped(heat: HeatClient) -> Observation:
    template = {
        **cfn({"X": ref("P")}, V=value()),
        "Parameters": {"P": {"Type": "String", "Default": "default"}},
    }
    stack = heat.create_stack(template, parameters={"P": "given"}).wait_until_settled()
    first = stack.read_output("X")

    stack.update({**template, "Description": "another"}).wait_until_settled()

    return [first, stack.read_output("X")]
