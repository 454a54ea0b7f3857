"""The response to a request for validation."""

from __future__ import annotations

from tests.contract.heat import HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import cfn, handle, hot, hot_resource, random_string, ref, value

area = HeatRuleArea("the response to a validation")


@area.rule(
    {
        "P": {"Type": "String", "Description": "d", "NoEcho": "true", "Label": "P"},
        "N": {"Type": "Number", "Description": "", "NoEcho": "false", "Label": "N", "Default": 5},
    }
)
def validation_shows_parameters(heat: HeatClient) -> Observation:
    parameters = {
        "P": {"Type": "String", "Description": "d", "NoEcho": "true"},
        "N": {"Type": "Number", "Default": 5},
    }
    answer = heat.request(
        "POST", "/validate", json={"template": {**cfn(V=value()), "Parameters": parameters}}
    )
    return answer.json()["Parameters"]


@area.rule(
    {
        "event_sinks": [],
        "parameter_defaults": {},
        "parameters": {"P": "given"},
        "resource_registry": {"resources": {}},
    }
)
def validation_shows_the_environment(heat: HeatClient) -> Observation:
    template = {**cfn(V=value()), "Parameters": {"P": {"Type": "String"}}}
    body = {"template": template, "environment": {"parameters": {"P": "given"}}}
    return heat.request("POST", "/validate", json=body).json()["Environment"]


@area.rule({"Default": 5, "Value": 7})
def validation_shows_an_input_value_and_the_default(heat: HeatClient) -> Observation:
    template = {**cfn(V=value()), "Parameters": {"N": {"Type": "Number", "Default": 5}}}
    body = {"template": template, "environment": {"parameters": {"N": 7}}}
    parameter = heat.request("POST", "/validate", json=body).json()["Parameters"]["N"]
    return {key: parameter[key] for key in ("Default", "Value")}


@area.rule("200")
def validation_needs_no_value_for_a_parameter_without_a_default(heat: HeatClient) -> Observation:
    template = cfn(R=random_string(length=ref("N")))
    template["Parameters"] = {"N": {"Type": "Number"}}
    return format_response(heat.request("POST", "/validate", json={"template": template}))


@area.rule([{"label": "one", "parameters": ["P"]}])
def validation_shows_the_groups_of_parameters(heat: HeatClient) -> Observation:
    template = hot(V=hot_resource("OS::Heat::Value", {"value": 1}))
    template["parameters"] = {"P": {"type": "string", "default": "p"}}
    template["parameter_groups"] = [{"label": "one", "parameters": ["P"]}]
    return heat.request("POST", "/validate", json={"template": template}).json()["ParameterGroups"]


@area.rule("400 HTTPBadRequest: Property error: Resources.H.Properties: Unknown Property X")
def validation_rejects_what_a_create_rejects(heat: HeatClient) -> Observation:
    return format_response(
        heat.request("POST", "/validate", json={"template": cfn(H=handle(Properties={"X": 1}))})
    )
