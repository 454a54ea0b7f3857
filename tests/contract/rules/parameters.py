"""Hidden parameters, by which passwords come that Heat does not make: never shown, and kept by a PATCH."""

from __future__ import annotations

import json

from tests.contract.heat import Heat, Stack, said
from tests.contract.rule import Area, Observation
from tests.contract.templates import Document, att, cfn, condition, handle, hot, ref, value

area = Area("hidden parameters")

SECRET = "contract-hush"
MISSING = "400 UserParameterMissing: The Parameter (Q) was not provided."


def hidden(*names: str, **resources: Document) -> Document:
    """A template whose outputs, for once, are its hidden parameters."""
    template = cfn({name: ref(name) for name in names}, **(resources or {"V": value()}))
    return {**template, "Parameters": {name: {"Type": "String", "NoEcho": True} for name in names}}


def in_hot() -> Document:
    shown = hot({"Length": {"get_attr": ["V", "value"]}}, V={"type": "OS::Heat::Value", "properties": {"value": "v"}})
    return {**shown, "parameters": {"P": {"type": "string", "hidden": True}}}


def given(heat: Heat) -> Stack:
    return heat.stack(hidden("P"), parameters={"P": SECRET}).settled()


def patched(stack: Stack, template: Document, **more: object) -> str:
    """How a PATCH is answered."""
    return said(stack.ask(method="PATCH", json={"template": template, **more}))


@area.rule(["******", "******"])
def stars_stand_for_no_echo_in_stack_and_environment(heat: Heat) -> Observation:
    stack = given(heat)
    return [stack.get()["stack"]["parameters"]["P"], stack.get("/environment")["parameters"]["P"]]


@area.rule(["******", "******"])
def stars_stand_for_hidden_in_stack_and_environment(heat: Heat) -> Observation:
    stack = heat.stack(in_hot(), parameters={"P": SECRET}).settled()
    return [stack.get()["stack"]["parameters"]["P"], stack.get("/environment")["parameters"]["P"]]


@area.rule([False, False, False, False])
def no_reading_shows_a_hidden_value(heat: Heat) -> Observation:
    stack = heat.stack(in_hot(), parameters={"P": SECRET}).settled()
    readings = [stack.get(), stack.get("/template"), stack.get("/environment"), stack.get("/events")]
    return [SECRET in json.dumps(each) for each in readings]


@area.rule([{"P": {"Type": "String", "NoEcho": True}}, {"P": {"type": "string", "hidden": True}}])
def a_template_is_given_back_with_its_declarations_and_no_value(heat: Heat) -> Observation:
    spoken = heat.stack(in_hot(), parameters={"P": SECRET}).settled()
    return [given(heat).get("/template")["Parameters"], spoken.get("/template")["parameters"]]


@area.rule([MISSING, MISSING])
def a_stack_wants_a_value_for_each_in_either_dialect(heat: Heat) -> Observation:
    spoken = {**in_hot(), "parameters": {"Q": {"type": "string", "hidden": True}}}
    return [heat.refusal(hidden("Q")), heat.refusal(spoken)]


@area.rule(["202", "UPDATE_COMPLETE", SECRET, "new"])
def a_patch_keeps_a_value_and_adds_another(heat: Heat) -> Observation:
    stack = given(heat)
    answer = patched(stack, hidden("P", "Q"), parameters={"Q": "new"})
    return [answer, stack.settled().state(), stack.output("P"), stack.output("Q")]


@area.rule(["400 UserParameterMissing: The Parameter (P) was not provided.", SECRET])
def an_update_that_is_no_patch_wants_every_value_again(heat: Heat) -> Observation:
    stack = given(heat)
    answer = stack.ask(method="PUT", json={"template": hidden("P")})
    return [said(answer), stack.output("P")]


@area.rule([MISSING, SECRET])
def a_patch_wants_a_value_for_what_is_new(heat: Heat) -> Observation:
    stack = given(heat)
    return [patched(stack, hidden("P", "Q")), stack.output("P")]


@area.rule(["202", ["P"], MISSING])
def a_patch_drops_the_value_of_what_the_template_no_longer_has(heat: Heat) -> Observation:
    stack = heat.stack(hidden("P", "Q"), parameters={"P": SECRET, "Q": "old"}).settled()
    answer = patched(stack, hidden("P"))
    left = sorted(stack.settled().get("/environment")["parameters"])
    return [answer, left, patched(stack, hidden("P", "Q"))]


@area.rule("202")
def a_patch_overlooks_a_value_that_the_template_has_no_parameter_for(heat: Heat) -> Observation:
    return patched(given(heat), hidden("P"), parameters={"Nothing": 1})


@area.rule("400 UserParameterMissing: The Parameter (P) was not provided.")
def a_patch_clears_what_it_is_told_to(heat: Heat) -> Observation:
    return patched(given(heat), hidden("P"), clear_parameters=["P"])


@area.rule(["UPDATE_FAILED", "202", "UPDATE_COMPLETE", [SECRET, "new"]])
def after_a_failed_patch_the_next_one_has_its_values(heat: Heat) -> Observation:
    stack = given(heat)
    failing = hidden("P", "Q", H=handle(), W=condition(timeout=1))
    patched(stack, failing, parameters={"Q": "new"})
    failed = stack.settled().state()
    answer = patched(stack, hidden("P", "Q"))
    return [failed, answer, stack.settled().state(), [stack.output("P"), stack.output("Q")]]


@area.rule(["202", 7, True])
def a_patch_keeps_the_timeout_that_it_does_not_say(heat: Heat) -> Observation:
    stack = heat.stack(hidden("P"), parameters={"P": SECRET}, timeout_mins=7).settled()
    answer = patched(stack, hidden("P", V=value("y")))
    shown = stack.settled().get()["stack"]
    return [answer, shown["timeout_mins"], shown["disable_rollback"]]


@area.rule(["UPDATE_COMPLETE", "k:contract-hush"])
def a_hidden_value_reaches_metadata_and_properties(heat: Heat) -> Observation:
    joined = value({"Fn::Join": ["", ["k:", ref("P")]]})
    template = hidden("P", V=joined)
    template["Outputs"]["V"] = {"Value": att("V", "value")}
    stack = given(heat)
    patched(stack, template)
    return [stack.settled().state(), stack.output("V")]
