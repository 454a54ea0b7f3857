"""Hidden parameters, which carry passwords that Heat does not generate: never shown, and kept by a PATCH."""

from __future__ import annotations

import json

from tests.contract.heat import ContractStack, HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import Document, att, cfn, condition, handle, hot, ref, value

area = HeatRuleArea("hidden parameters")

SECRET = "contract-hush"
MISSING = "400 UserParameterMissing: The Parameter (Q) was not provided."


def build_hidden_template(*names: str, **resources: Document) -> Document:
    """Build a template whose outputs are its hidden parameters."""
    template = cfn({name: ref(name) for name in names}, **(resources or {"V": value()}))
    return {**template, "Parameters": {name: {"Type": "String", "NoEcho": True} for name in names}}


def build_hot_template() -> Document:
    template = hot(
        {"Length": {"get_attr": ["V", "value"]}}, V={"type": "OS::Heat::Value", "properties": {"value": "v"}}
    )
    return {**template, "parameters": {"P": {"type": "string", "hidden": True}}}


def create_hidden_stack(heat: HeatClient) -> ContractStack:
    return heat.create_stack(build_hidden_template("P"), parameters={"P": SECRET}).wait_until_settled()


def patch_stack(stack: ContractStack, template: Document, **more: object) -> str:
    """Return the response to a PATCH."""
    return format_response(stack.request(method="PATCH", json={"template": template, **more}))


@area.rule(["******", "******"])
def stars_stand_for_no_echo_in_stack_and_environment(heat: HeatClient) -> Observation:
    stack = create_hidden_stack(heat)
    return [stack.read()["stack"]["parameters"]["P"], stack.read("/environment")["parameters"]["P"]]


@area.rule(["******", "******"])
def stars_stand_for_hidden_in_stack_and_environment(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_hot_template(), parameters={"P": SECRET}).wait_until_settled()
    return [stack.read()["stack"]["parameters"]["P"], stack.read("/environment")["parameters"]["P"]]


@area.rule([False, False, False, False])
def no_reading_shows_a_hidden_value(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_hot_template(), parameters={"P": SECRET}).wait_until_settled()
    readings = [stack.read(), stack.read("/template"), stack.read("/environment"), stack.read("/events")]
    return [SECRET in json.dumps(each) for each in readings]


@area.rule([{"P": {"Type": "String", "NoEcho": True}}, {"P": {"type": "string", "hidden": True}}])
def a_template_is_returned_with_its_declarations_and_without_values(heat: HeatClient) -> Observation:
    spoken = heat.create_stack(build_hot_template(), parameters={"P": SECRET}).wait_until_settled()
    return [create_hidden_stack(heat).read("/template")["Parameters"], spoken.read("/template")["parameters"]]


@area.rule([MISSING, MISSING])
def each_template_format_requires_a_value_for_each_parameter(heat: HeatClient) -> Observation:
    spoken = {**build_hot_template(), "parameters": {"Q": {"type": "string", "hidden": True}}}
    return [heat.create_refused_stack(build_hidden_template("Q")), heat.create_refused_stack(spoken)]


@area.rule(["202", "UPDATE_COMPLETE", SECRET, "new"])
def a_patch_keeps_a_value_and_adds_another(heat: HeatClient) -> Observation:
    stack = create_hidden_stack(heat)
    answer = patch_stack(stack, build_hidden_template("P", "Q"), parameters={"Q": "new"})
    return [answer, stack.wait_until_settled().read_state(), stack.read_output("P"), stack.read_output("Q")]


@area.rule(["400 UserParameterMissing: The Parameter (P) was not provided.", SECRET])
def an_update_without_patch_requires_every_value_again(heat: HeatClient) -> Observation:
    stack = create_hidden_stack(heat)
    answer = stack.request(method="PUT", json={"template": build_hidden_template("P")})
    return [format_response(answer), stack.read_output("P")]


@area.rule([MISSING, SECRET])
def a_patch_requires_a_value_for_a_new_parameter(heat: HeatClient) -> Observation:
    stack = create_hidden_stack(heat)
    return [patch_stack(stack, build_hidden_template("P", "Q")), stack.read_output("P")]


@area.rule(["202", ["P"], MISSING])
def a_patch_drops_the_value_of_a_removed_parameter(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        build_hidden_template("P", "Q"), parameters={"P": SECRET, "Q": "old"}
    ).wait_until_settled()
    answer = patch_stack(stack, build_hidden_template("P"))
    parameter_names = sorted(stack.wait_until_settled().read("/environment")["parameters"])
    return [answer, parameter_names, patch_stack(stack, build_hidden_template("P", "Q"))]


@area.rule("202")
def a_patch_overlooks_a_value_that_the_template_has_no_parameter_for(heat: HeatClient) -> Observation:
    return patch_stack(create_hidden_stack(heat), build_hidden_template("P"), parameters={"Nothing": 1})


@area.rule("400 UserParameterMissing: The Parameter (P) was not provided.")
def a_patch_clears_the_listed_parameters(heat: HeatClient) -> Observation:
    return patch_stack(create_hidden_stack(heat), build_hidden_template("P"), clear_parameters=["P"])


@area.rule(["UPDATE_FAILED", "202", "UPDATE_COMPLETE", [SECRET, "new"]])
def after_a_failed_patch_the_next_one_has_its_values(heat: HeatClient) -> Observation:
    stack = create_hidden_stack(heat)
    failing = build_hidden_template("P", "Q", H=handle(), W=condition(timeout=1))
    patch_stack(stack, failing, parameters={"Q": "new"})
    failed = stack.wait_until_settled().read_state()
    answer = patch_stack(stack, build_hidden_template("P", "Q"))
    return [
        failed,
        answer,
        stack.wait_until_settled().read_state(),
        [stack.read_output("P"), stack.read_output("Q")],
    ]


@area.rule(["202", 7, True])
def a_patch_without_a_timeout_keeps_the_present_one(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        build_hidden_template("P"), parameters={"P": SECRET}, timeout_mins=7
    ).wait_until_settled()
    answer = patch_stack(stack, build_hidden_template("P", V=value("y")))
    stack_row = stack.wait_until_settled().read()["stack"]
    return [answer, stack_row["timeout_mins"], stack_row["disable_rollback"]]


@area.rule(["UPDATE_COMPLETE", "k:contract-hush"])
def a_hidden_value_reaches_metadata_and_properties(heat: HeatClient) -> Observation:
    joined = value({"Fn::Join": ["", ["k:", ref("P")]]})
    template = build_hidden_template("P", V=joined)
    template["Outputs"]["V"] = {"Value": att("V", "value")}
    stack = create_hidden_stack(heat)
    patch_stack(stack, template)
    return [stack.wait_until_settled().read_state(), stack.read_output("V")]
