"""Stacks, resources and events as heat-api shows them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from guestagent.embedded.heat.resources.resource_type import ResourceTypes
from guestagent.embedded.heat.resources.stack import HeatStack, StackEvent, StackResource
from guestagent.embedded.heat.stack_scope import StackScope, build_pseudo_parameters
from guestagent.embedded.heat.template.functions import resolve_functions
from guestagent.embedded.heat.template.parameters import HIDDEN_VALUE, TemplateParameter
from guestagent.embedded.heat.template.parser import Template, TemplateOutput
from guestagent.embedded.host.clock import format_timestamp
from guestagent.embedded.http.errors import ApiError

View = dict[str, object]


def build_stack_path(stack: HeatStack, *below: str) -> str:
    """A stack's own path below heat-api's project."""
    return "/".join(["/stacks", quote(stack.name, safe=""), stack.id, *below])


def format_stack_summary(stack: HeatStack, base: str) -> View:
    """A row of the stack list."""
    return {
        "id": stack.id,
        "links": [{"href": base + build_stack_path(stack), "rel": "self"}],
        "stack_name": stack.name,
        "description": stack.template.description,
        "stack_status": stack.state,
        "stack_status_reason": stack.reason,
        "creation_time": format_timestamp(stack.created_at),
        "updated_time": format_timestamp(stack.updated_at),
        "deletion_time": format_timestamp(stack.deleted_at),
        "stack_owner": "demo",
        "parent": None,
        "stack_user_project_id": stack.user_project,
        "tags": list(stack.tags) or None,
    }


def format_stack(stack: HeatStack, base: str) -> View:
    """A stack without its outputs."""
    declared = stack.template.parameters
    values = {name: declared[name].format_value(value) for name, value in stack.parameters.items()}
    return {
        **format_stack_summary(stack, base),
        "template_description": stack.template.description,
        "notification_topics": [],
        "capabilities": [],
        "tags": list(stack.tags),  # of none there is nothing in a list's row, and an empty list here
        "disable_rollback": stack.disable_rollback,
        "timeout_mins": stack.timeout_mins,
        "parameters": {**build_pseudo_parameters(stack), **values},
    }


def format_environment(stack: HeatStack) -> View:
    """What was given to the stack beside its template; hidden parameters stay so."""
    declared = stack.template.parameters
    given = {
        name: HIDDEN_VALUE if declared[name].is_hidden else value
        for name, value in stack.input_parameters.items()
    }
    return {"parameters": given, "parameter_defaults": {}, "resource_registry": {}, "event_sinks": []}


def format_outputs(stack: HeatStack, kinds: ResourceTypes) -> list[View]:
    """Every output with its value."""
    return [format_output(stack, kinds, each) for each in stack.template.outputs.values()]


def format_output(stack: HeatStack, kinds: ResourceTypes, wanted: TemplateOutput) -> View:
    """One output with its value; one that has none says why."""
    shown: View = {"output_key": wanted.name, "description": wanted.description}
    try:
        value = resolve_functions(wanted.value, stack.template.format.functions, StackScope(stack, kinds))
    except (TypeError, ValueError, ApiError) as error:
        return {**shown, "output_value": None, "output_error": str(error)}
    return {**shown, "output_value": value}


def format_resource(each: StackResource, stack: HeatStack, base: str) -> View:
    """A row of the plain resource list."""
    required_by = [other.name for other in stack.resources.values() if each.id in other.dependencies]
    own = base + build_stack_path(stack, "resources", quote(each.name, safe=""))
    return {
        "resource_name": each.name,
        "logical_resource_id": each.name,
        "physical_resource_id": each.physical_id,
        "resource_type": each.type,
        "resource_status": f"{each.action}_{each.status}",
        "resource_status_reason": each.reason,
        "creation_time": format_timestamp(each.created_at),
        "updated_time": format_timestamp(each.updated_at or each.created_at),
        "required_by": required_by,
        "links": [
            {"href": own, "rel": "self"},
            {"href": base + build_stack_path(stack), "rel": "stack"},
        ],
    }


def format_resource_details(each: StackResource, stack: HeatStack, base: str, kinds: ResourceTypes) -> View:
    """A resource with its attributes resolved."""
    attributes = StackScope(stack, kinds).list_attributes(each)
    return {**format_resource(each, stack, base), "description": "", "attributes": attributes}


def format_event(each: StackEvent, stack: HeatStack, base: str) -> View:
    """One event of a stack."""
    name = quote(each.resource, safe="")
    return {
        "id": each.id,
        "event_time": format_timestamp(each.time),
        "resource_name": each.resource,
        "logical_resource_id": each.resource,
        "physical_resource_id": each.physical_id,
        "resource_status": each.status,
        "resource_status_reason": each.reason,
        "links": [
            {"href": base + build_stack_path(stack, "resources", name, "events", each.id), "rel": "self"},
            {"href": base + build_stack_path(stack, "resources", name), "rel": "resource"},
            {"href": base + build_stack_path(stack), "rel": "stack"},
        ],
    }


def format_event_details(each: StackEvent, stack: HeatStack, base: str) -> View:
    """One event by itself, with the properties that its resource had."""
    return {
        **format_event(each, stack, base),
        "resource_type": each.type,
        "resource_properties": dict(each.properties),
    }


def format_cfn_resource(each: StackResource, stack: HeatStack) -> View:
    """The CFN API's detail of a resource. Where there is no metadata its element is empty, as Heat's is."""
    return {
        "Description": "",
        "LastUpdatedTimestamp": format_timestamp(each.updated_at or each.created_at),
        "LogicalResourceId": each.name,
        "Metadata": json.dumps(each.metadata) if each.metadata else "",
        "PhysicalResourceId": each.physical_id,
        "ResourceStatusReason": each.reason,
        "ResourceType": each.type,
        "StackId": stack.arn,
        "StackName": stack.name,
        "ResourceStatus": f"{each.action}_{each.status}",
    }


def format_validation(template: Template, given: Mapping[str, object]) -> View:
    """What `validate` says of a template and the parameters given with it."""
    groups = template.source.get("parameter_groups") if template.format.is_hot else None
    return {
        "Description": template.description,
        "Parameters": _parameters(template.parameters, given),
        **({"ParameterGroups": groups} if groups else {}),
        "Environment": {
            "event_sinks": [],
            "parameter_defaults": {},
            "parameters": dict(given),
            "resource_registry": {"resources": {}},
        },
    }


def _parameters(declared: Mapping[str, TemplateParameter], given: Mapping[str, object]) -> View:
    return {
        name: {
            "Type": parameter.type,
            "Description": parameter.description,
            "NoEcho": str(parameter.is_hidden).lower(),
            "Label": parameter.label,
            **({} if parameter.default is None else {"Default": parameter.default}),
            **({"Value": given[name]} if name in given else {}),
        }
        for name, parameter in declared.items()
    }
