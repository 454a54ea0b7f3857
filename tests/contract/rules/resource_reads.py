"""Reads of resources and events."""

from __future__ import annotations

import json

from tests.contract.heat import HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.rules.reads import get_settled_stack
from tests.contract.templates import cfn, condition, handle, value

area = HeatRuleArea("reading resources and events")


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


@area.rule(["OS::Heat::Value", {"value": "p"}])
def a_single_event_has_the_resource_s_type_and_properties(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    first = stack.read("/resources/V/events")["events"][0]
    event = stack.read(f"/resources/V/events/{first['id']}")["event"]
    return [event["resource_type"], event["resource_properties"]]


@area.rule([1, 1, False])
def events_are_limited_and_paged(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    first = stack.read("/events?limit=1")["events"]
    rest = stack.read(f"/events?marker={first[0]['id']}&limit=1")["events"]
    return [len(first), len(rest), first[0]["id"] == rest[0]["id"]]


@area.rule(["INIT_COMPLETE", "", ""])
def a_resource_that_waits_for_its_turn_is_initial(heat: HeatClient) -> Observation:
    template = cfn(H=handle(), W=condition(), After=value(DependsOn="W"))
    row = heat.create_stack(template).wait_for_resource("W", "CREATE_IN_PROGRESS").list_resources()["After"]
    return [row["resource_status"], row["physical_resource_id"], row["resource_status_reason"]]
