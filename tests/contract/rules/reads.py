"""A stack as clients read it: itself, its resources, outputs and template; and what is safe while Heat works."""

from __future__ import annotations

import json

from tests.contract.guest import signal
from tests.contract.heat import Heat, Stack, new_name, said
from tests.contract.outcomes import COMPLETE
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
    value,
)

area = Area("reading a stack")


def resting(heat: Heat) -> Stack:
    """A complete stack with a bit of everything."""
    outputs = {"Evidence": att("W", "Data"), "Text": "text", "Password": ref("R")}
    template = cfn(outputs, H=handle(), W=condition(), R=random_string(), V=value(ref("P")), **poller("V"))
    template["Parameters"] = {
        "P": {"Type": "String", "Default": "p", "Description": "a parameter"},
        "S": {"Type": "String", "NoEcho": "true", "Default": "hush"},
    }
    template["Description"] = "a stack at rest"
    stack = heat.stack(template, timeout_mins=7, tags="one,two")
    return signal(stack).settled()


def at_rest(heat: Heat) -> Stack:
    return heat.shared("resting", resting)


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
def a_stack_shows_these_keys(heat: Heat) -> Observation:
    return sorted(at_rest(heat).get()["stack"])


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
def a_stack_shows_what_it_was_given(heat: Heat) -> Observation:
    shown = at_rest(heat).get()["stack"]
    wanted = (
        "description",
        "timeout_mins",
        "disable_rollback",
        "tags",
        "stack_status",
        "stack_status_reason",
        "parent",
    )
    return {key: shown[key] for key in wanted}


@area.rule(
    {
        "AWS::StackId": "arn:openstack:heat::<hex>:stacks/<stack>/<id>",
        "AWS::StackName": "<stack>",
        "AWS::Region": "ap-southeast-1",
        "P": "p",
        "S": "******",
    }
)
def a_stack_shows_its_parameters_and_hides_the_secret_ones(heat: Heat) -> Observation:
    stack = at_rest(heat)
    return {key: stack.anonymous(str(each)) for key, each in stack.get()["stack"]["parameters"].items()}


@area.rule(False)
def without_outputs_a_stack_shows_none(heat: Heat) -> Observation:
    return "outputs" in at_rest(heat).get("?resolve_outputs=false")["stack"]


@area.rule([["description", "output_key", "output_value"], ["Evidence", "H", "Password", "Text"]])
def outputs_are_shown_with_the_stack(heat: Heat) -> Observation:
    outputs = at_rest(heat).get()["stack"]["outputs"]
    return [sorted(outputs[0]), sorted(each["output_key"] for each in outputs)]


@area.rule(["description", "output_key"])
def outputs_are_listed_without_their_values(heat: Heat) -> Observation:
    outputs = at_rest(heat).get("/outputs")["outputs"]
    return sorted([sorted(each) for each in outputs])[0]


@area.rule("404 NotFound: Specified output key {} not found.")
def an_output_that_is_not_there_is_not_found(heat: Heat) -> Observation:
    return said(at_rest(heat).ask("/outputs/Nothing"))


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
def a_row_of_the_resource_list_has_these_keys(heat: Heat) -> Observation:
    return sorted(at_rest(heat).resources()["V"])


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
def a_row_of_the_resource_list_tells_this(heat: Heat) -> Observation:
    row = at_rest(heat).resources()["H"]
    wanted = (
        "resource_name",
        "logical_resource_id",
        "resource_type",
        "resource_status",
        "resource_status_reason",
        "required_by",
    )
    return {key: row[key] for key in wanted}


@area.rule({"WaitCondition": ["H", "W"], "AWS::IAM": ["Key", "KeyUser"], "value": [], "Nothing": []})
def the_type_of_the_resource_list_is_a_part_of_a_name(heat: Heat) -> Observation:
    stack = at_rest(heat)
    return {
        part: sorted(stack.resources(f"?type={part}"))
        for part in ("WaitCondition", "AWS::IAM", "value", "Nothing")
    }


@area.rule(
    "400 HTTPBadRequest: The server could not comply with the request since it is either "
    "malformed or otherwise incorrect."
)
def the_resource_list_takes_one_type_only(heat: Heat) -> Observation:
    return said(at_rest(heat).ask("/resources?type=User&type=Value"))


@area.rule([["V"], [], ["V"]])
def the_resource_list_takes_a_name_and_a_status(heat: Heat) -> Observation:
    stack = at_rest(heat)
    return [
        sorted(stack.resources(query)) for query in ("?name=V", "?status=FAILED", "?name=V&status=COMPLETE")
    ]


@area.rule({"u": "d"})
def details_of_conditions_hold_the_evidence(heat: Heat) -> Observation:
    rows = at_rest(heat).resources("?type=WaitCondition&with_detail=true")
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
def a_detailed_row_has_these_keys(heat: Heat) -> Observation:
    return sorted(at_rest(heat).resources("?with_detail=true")["V"])


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
def a_single_resource_shows_its_attributes(heat: Heat) -> Observation:
    shown = at_rest(heat).get("/resources/V")["resource"]
    return [sorted(shown), shown["attributes"]]


@area.rule("404 ResourceNotFound: The Resource (Nobody) could not be found in Stack <stack>.")
def a_resource_that_is_not_there_is_not_found(heat: Heat) -> Observation:
    return said(at_rest(heat).ask("/resources/Nobody"))


@area.rule(True)
def the_template_is_given_back_as_it_was(heat: Heat) -> Observation:
    sent = cfn({"X": ref("V")}, V=value({"Fn::Join": ["", ["ü", ref("AWS::StackName")]]}, Metadata={"n": 1}))
    return heat.stack(sent).settled().get("/template") == sent


@area.rule(True)
def a_template_sent_as_text_is_given_back_as_a_mapping(heat: Heat) -> Observation:
    return heat.stack(json.dumps(cfn(V=value()))).settled().get("/template") == cfn(V=value())


@area.rule({"P": "given"})
def the_environment_holds_the_parameters_that_were_given(heat: Heat) -> Observation:
    template = {**cfn(V=value()), "Parameters": {"P": {"Type": "String", "Default": "d"}}}
    stack = heat.stack(template, parameters={"P": "given"}).settled()
    return stack.get("/environment")["parameters"]


@area.rule(
    {
        "P": {"Type": "String", "Description": "d", "NoEcho": "true", "Label": "P"},
        "N": {"Type": "Number", "Description": "", "NoEcho": "false", "Label": "N", "Default": 5},
    }
)
def validation_shows_parameters(heat: Heat) -> Observation:
    parameters = {
        "P": {"Type": "String", "Description": "d", "NoEcho": "true"},
        "N": {"Type": "Number", "Default": 5},
    }
    answer = heat.ask("POST", "/validate", json={"template": {**cfn(V=value()), "Parameters": parameters}})
    return answer.json()["Parameters"]


@area.rule(
    {
        "event_sinks": [],
        "parameter_defaults": {},
        "parameters": {"P": "given"},
        "resource_registry": {"resources": {}},
    }
)
def validation_shows_the_environment(heat: Heat) -> Observation:
    template = {**cfn(V=value()), "Parameters": {"P": {"Type": "String"}}}
    sent = {"template": template, "environment": {"parameters": {"P": "given"}}}
    return heat.ask("POST", "/validate", json=sent).json()["Environment"]


@area.rule({"Default": 5, "Value": 7})
def validation_shows_a_given_value_beside_the_default(heat: Heat) -> Observation:
    template = {**cfn(V=value()), "Parameters": {"N": {"Type": "Number", "Default": 5}}}
    sent = {"template": template, "environment": {"parameters": {"N": 7}}}
    shown = heat.ask("POST", "/validate", json=sent).json()["Parameters"]["N"]
    return {key: shown[key] for key in ("Default", "Value")}


@area.rule("200")
def validation_needs_no_value_for_a_parameter_without_a_default(heat: Heat) -> Observation:
    template = cfn(R=random_string(length=ref("N")))
    template["Parameters"] = {"N": {"Type": "Number"}}
    return said(heat.ask("POST", "/validate", json={"template": template}))


@area.rule([{"label": "one", "parameters": ["P"]}])
def validation_shows_the_groups_of_parameters(heat: Heat) -> Observation:
    template = hot(V=h_typed("OS::Heat::Value", {"value": 1}))
    template["parameters"] = {"P": {"type": "string", "default": "p"}}
    template["parameter_groups"] = [{"label": "one", "parameters": ["P"]}]
    return heat.ask("POST", "/validate", json={"template": template}).json()["ParameterGroups"]


@area.rule(["OS::Heat::Value", {"value": "p"}])
def an_event_by_itself_tells_the_resource_s_type_and_properties(heat: Heat) -> Observation:
    stack = at_rest(heat)
    first = stack.get("/resources/V/events")["events"][0]
    event = stack.get(f"/resources/V/events/{first['id']}")["event"]
    return [event["resource_type"], event["resource_properties"]]


@area.rule(True)
def the_answer_to_a_create_tells_the_stack_s_address(heat: Heat) -> Observation:
    name = new_name()
    answer = heat.ask("POST", "/stacks", json={"stack_name": name, "template": cfn(V=value())})
    return answer.headers["Location"].endswith(f"/stacks/{name}/{answer.json()['stack']['id']}")


@area.rule("400 HTTPBadRequest: Property error: Resources.H.Properties: Unknown Property X")
def validation_refuses_what_a_create_refuses(heat: Heat) -> Observation:
    return said(heat.ask("POST", "/validate", json={"template": cfn(H=handle(Properties={"X": 1}))}))


@area.rule([1, 1, False])
def events_are_limited_and_paged(heat: Heat) -> Observation:
    stack = at_rest(heat)
    first = stack.get("/events?limit=1")["events"]
    rest = stack.get(f"/events?marker={first[0]['id']}&limit=1")["events"]
    return [len(first), len(rest), first[0]["id"] == rest[0]["id"]]


@area.rule(["CREATE_IN_PROGRESS", 200, "CREATE_IN_PROGRESS", COMPLETE])
def the_three_safe_readings_disturb_no_stack_in_progress(heat: Heat) -> Observation:
    template = cfn({"Data": att("W", "Data")}, H=handle(), W=condition())
    stack = heat.stack(template).until("W", "CREATE_IN_PROGRESS")
    url = stack.url("H")
    for _ in range(5):
        plain = stack.ask("?resolve_outputs=false")
        rows = stack.resources("?type=WaitCondition")
        heat.ask("GET", f"/stacks?name={stack.name}")

    state = plain.json()["stack"]["stack_status"]
    assert url.startswith("http")
    return [state, plain.status_code, rows["W"]["resource_status"], signal(stack).outcome()]


@area.rule("{}")
def a_condition_that_waits_has_no_data_yet(heat: Heat) -> Observation:
    template = cfn({"Data": att("W", "Data")}, H=handle(), W=condition())
    stack = heat.stack(template).until("W", "CREATE_IN_PROGRESS")
    return stack.output("Data")


@area.rule(["INIT_COMPLETE", "", ""])
def a_resource_that_waits_for_its_turn_is_initial(heat: Heat) -> Observation:
    template = cfn(H=handle(), W=condition(), After=value(DependsOn="W"))
    row = heat.stack(template).until("W", "CREATE_IN_PROGRESS").resources()["After"]
    return [row["resource_status"], row["physical_resource_id"], row["resource_status_reason"]]
