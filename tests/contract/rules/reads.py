"""Reads of a stack, its resources, outputs and template, and which of them are safe while it is in progress."""

from __future__ import annotations

import json

from tests.contract.guest import signal_handle
from tests.contract.heat import ContractStack, HeatClient, build_name, format_response
from tests.contract.outcomes import COMPLETE
from tests.contract.rule import Observation, RuleArea
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
    value,
)

area = RuleArea("reading a stack")


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


@area.rule(
    [
        "creation_time",
        "links",
        "logical_resource_id",
        "physical_resource_id",
        "required_by",
        "resource_name",
        "resource_status",
        "resource_status_reason",
        "resource_type",
        "updated_time",
    ]
)
def a_row_of_the_resource_list_has_these_keys(heat: HeatClient) -> Observation:
    return sorted(get_settled_stack(heat).list_resources()["V"])


@area.rule(
    {
        "resource_name": "H",
        "logical_resource_id": "H",
        "resource_type": "AWS::CloudFormation::WaitConditionHandle",
        "resource_status": "CREATE_COMPLETE",
        "resource_status_reason": "state changed",
        "required_by": ["W"],
    }
)
def a_row_of_the_resource_list_has_these_values(heat: HeatClient) -> Observation:
    row = get_settled_stack(heat).list_resources()["H"]
    keys = (
        "resource_name",
        "logical_resource_id",
        "resource_type",
        "resource_status",
        "resource_status_reason",
        "required_by",
    )
    return {key: row[key] for key in keys}


@area.rule({"WaitCondition": ["H", "W"], "AWS::IAM": ["Key", "KeyUser"], "value": [], "Nothing": []})
def the_type_of_the_resource_list_is_a_part_of_a_name(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    return {
        part: sorted(stack.list_resources(f"?type={part}"))
        for part in ("WaitCondition", "AWS::IAM", "value", "Nothing")
    }


@area.rule(
    "400 HTTPBadRequest: The server could not comply with the request since it is either "
    "malformed or otherwise incorrect."
)
def the_resource_list_takes_one_type_only(heat: HeatClient) -> Observation:
    return format_response(get_settled_stack(heat).request("/resources?type=User&type=Value"))


@area.rule([["V"], [], ["V"]])
def the_resource_list_takes_a_name_and_a_status(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    return [
        sorted(stack.list_resources(query))
        for query in ("?name=V", "?status=FAILED", "?name=V&status=COMPLETE")
    ]


@area.rule({"u": "d"})
def details_of_conditions_hold_the_evidence(heat: HeatClient) -> Observation:
    rows = get_settled_stack(heat).list_resources("?type=WaitCondition&with_detail=true")
    return json.loads(rows["W"]["attributes"]["Data"])


@area.rule(
    [
        "attributes",
        "creation_time",
        "description",
        "links",
        "logical_resource_id",
        "physical_resource_id",
        "required_by",
        "resource_name",
        "resource_status",
        "resource_status_reason",
        "resource_type",
        "updated_time",
    ]
)
def a_detailed_row_has_these_keys(heat: HeatClient) -> Observation:
    return sorted(get_settled_stack(heat).list_resources("?with_detail=true")["V"])


@area.rule(
    [
        [
            "attributes",
            "creation_time",
            "description",
            "links",
            "logical_resource_id",
            "physical_resource_id",
            "required_by",
            "resource_name",
            "resource_status",
            "resource_status_reason",
            "resource_type",
            "updated_time",
        ],
        {"value": "p"},
    ]
)
def a_single_resource_shows_its_attributes(heat: HeatClient) -> Observation:
    resource = get_settled_stack(heat).read("/resources/V")["resource"]
    return [sorted(resource), resource["attributes"]]


@area.rule("404 ResourceNotFound: The Resource (Nobody) could not be found in Stack <stack>.")
def a_resource_that_is_not_there_is_not_found(heat: HeatClient) -> Observation:
    return format_response(get_settled_stack(heat).request("/resources/Nobody"))


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


@area.rule(["OS::Heat::Value", {"value": "p"}])
def a_single_event_has_the_resource_s_type_and_properties(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    first = stack.read("/resources/V/events")["events"][0]
    event = stack.read(f"/resources/V/events/{first['id']}")["event"]
    return [event["resource_type"], event["resource_properties"]]


@area.rule(True)
def the_response_to_a_create_has_the_stack_s_url(heat: HeatClient) -> Observation:
    name = build_name()
    answer = heat.request("POST", "/stacks", json={"stack_name": name, "template": cfn(V=value())})
    return answer.headers["Location"].endswith(f"/stacks/{name}/{answer.json()['stack']['id']}")


@area.rule("400 HTTPBadRequest: Property error: Resources.H.Properties: Unknown Property X")
def validation_rejects_what_a_create_rejects(heat: HeatClient) -> Observation:
    return format_response(
        heat.request("POST", "/validate", json={"template": cfn(H=handle(Properties={"X": 1}))})
    )


@area.rule([1, 1, False])
def events_are_limited_and_paged(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    first = stack.read("/events?limit=1")["events"]
    rest = stack.read(f"/events?marker={first[0]['id']}&limit=1")["events"]
    return [len(first), len(rest), first[0]["id"] == rest[0]["id"]]


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


@area.rule(["INIT_COMPLETE", "", ""])
def a_resource_that_waits_for_its_turn_is_initial(heat: HeatClient) -> Observation:
    template = cfn(H=handle(), W=condition(), After=value(DependsOn="W"))
    row = heat.create_stack(template).wait_for_resource("W", "CREATE_IN_PROGRESS").list_resources()["After"]
    return [row["resource_status"], row["physical_resource_id"], row["resource_status_reason"]]
