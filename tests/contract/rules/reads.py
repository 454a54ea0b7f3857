"""Reads of a stack, its outputs and its template, and which of them are safe while it is in progress."""

from __future__ import annotations

import json

from tests.contract.guest import signal_handle
from tests.contract.heat import ContractStack, HeatClient, build_name, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import COMPLETE
from tests.contract.rule import Observation
from tests.contract.templates import att, cfn, condition, handle, node_key, random_string, ref, value

area = HeatRuleArea("reading a stack")


def create_settled_stack(heat: HeatClient) -> ContractStack:
    """Create a complete stack with one resource of each kind."""
    outputs = {"Evidence": att("W", "Data"), "Text": "text", "Password": ref("R")}
    template = cfn(outputs, H=handle(), W=condition(), R=random_string(), V=value(ref("P")), **node_key("V"))
    template["Parameters"] = {
        "P": {"Type": "String", "Default": "p", "Description": "a parameter"},
        "S": {"Type": "String", "NoEcho": "true", "Default": "hush"},
    }
    template["Description"] = "a stack at rest"
    stack = heat.create_stack(template, timeout_mins=7, tags="one,two")
    return signal_handle(stack).wait_until_settled()


def get_settled_stack(heat: HeatClient) -> ContractStack:
    return heat.get_shared_stack("resting", create_settled_stack)


@area.rule(
    [
        "capabilities",
        "creation_time",
        "deletion_time",
        "description",
        "disable_rollback",
        "id",
        "links",
        "notification_topics",
        "outputs",
        "parameters",
        "parent",
        "stack_name",
        "stack_owner",
        "stack_status",
        "stack_status_reason",
        "stack_user_project_id",
        "tags",
        "template_description",
        "timeout_mins",
        "updated_time",
    ]
)
def a_stack_shows_these_keys(heat: HeatClient) -> Observation:
    return sorted(get_settled_stack(heat).read()["stack"])


@area.rule(
    {
        "description": "a stack at rest",
        "timeout_mins": 7,
        "disable_rollback": True,
        "tags": ["one", "two"],
        "stack_status": "CREATE_COMPLETE",
        "stack_status_reason": "Stack CREATE completed successfully",
        "parent": None,
    }
)
def a_stack_shows_its_input(heat: HeatClient) -> Observation:
    stack_row = get_settled_stack(heat).read()["stack"]
    keys = (
        "description",
        "timeout_mins",
        "disable_rollback",
        "tags",
        "stack_status",
        "stack_status_reason",
        "parent",
    )
    return {key: stack_row[key] for key in keys}


@area.rule(
    {
        "AWS::StackId": "arn:openstack:heat::<hex>:stacks/<stack>/<id>",
        "AWS::StackName": "<stack>",
        "AWS::Region": "ap-southeast-1",
        "P": "p",
        "S": "******",
    }
)
def a_stack_shows_its_parameters_and_hides_the_secret_ones(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    return {key: stack.mask_ids(str(each)) for key, each in stack.read()["stack"]["parameters"].items()}


@area.rule(False)
def without_outputs_a_stack_shows_none(heat: HeatClient) -> Observation:
    return "outputs" in get_settled_stack(heat).read("?resolve_outputs=false")["stack"]


@area.rule([["description", "output_key", "output_value"], ["Evidence", "H", "Password", "Text"]])
def outputs_are_shown_with_the_stack(heat: HeatClient) -> Observation:
    outputs = get_settled_stack(heat).read()["stack"]["outputs"]
    return [sorted(outputs[0]), sorted(each["output_key"] for each in outputs)]


@area.rule(["description", "output_key"])
def outputs_are_listed_without_their_values(heat: HeatClient) -> Observation:
    outputs = get_settled_stack(heat).read("/outputs")["outputs"]
    return sorted([sorted(each) for each in outputs])[0]


@area.rule("404 NotFound: Specified output key {} not found.")
def an_output_that_is_not_there_is_not_found(heat: HeatClient) -> Observation:
    return format_response(get_settled_stack(heat).request("/outputs/Nothing"))


@area.rule(True)
def the_template_is_returned_unchanged(heat: HeatClient) -> Observation:
    template = cfn(
        {"X": ref("V")}, V=value({"Fn::Join": ["", ["ü", ref("AWS::StackName")]]}, Metadata={"n": 1})
    )
    return heat.create_stack(template).wait_until_settled().read("/template") == template


@area.rule(True)
def a_template_sent_as_text_is_returned_as_a_mapping(heat: HeatClient) -> Observation:
    return heat.create_stack(json.dumps(cfn(V=value()))).wait_until_settled().read("/template") == cfn(
        V=value()
    )


@area.rule({"P": "given"})
def the_environment_contains_the_input_parameters(heat: HeatClient) -> Observation:
    template = {**cfn(V=value()), "Parameters": {"P": {"Type": "String", "Default": "d"}}}
    stack = heat.create_stack(template, parameters={"P": "given"}).wait_until_settled()
    return stack.read("/environment")["parameters"]


@area.rule(True)
def the_response_to_a_create_has_the_stack_s_url(heat: HeatClient) -> Observation:
    name = build_name()
    answer = heat.request("POST", "/stacks", json={"stack_name": name, "template": cfn(V=value())})
    return answer.headers["Location"].endswith(f"/stacks/{name}/{answer.json()['stack']['id']}")


@area.rule(["CREATE_IN_PROGRESS", 200, "CREATE_IN_PROGRESS", COMPLETE])
def the_three_safe_readings_disturb_no_stack_in_progress(heat: HeatClient) -> Observation:
    template = cfn({"Data": att("W", "Data")}, H=handle(), W=condition())
    stack = heat.create_stack(template).wait_for_resource("W", "CREATE_IN_PROGRESS")
    url = stack.read_handle_url("H")
    for _ in range(5):
        plain = stack.request("?resolve_outputs=false")
        rows = stack.list_resources("?type=WaitCondition")
        heat.request("GET", f"/stacks?name={stack.name}")

    state = plain.json()["stack"]["stack_status"]
    assert url.startswith("http")
    return [state, plain.status_code, rows["W"]["resource_status"], signal_handle(stack).wait_for_outcome()]


@area.rule("{}")
def a_condition_that_waits_has_no_data_yet(heat: HeatClient) -> Observation:
    template = cfn({"Data": att("W", "Data")}, H=handle(), W=condition())
    stack = heat.create_stack(template).wait_for_resource("W", "CREATE_IN_PROGRESS")
    return stack.read_output("Data")
