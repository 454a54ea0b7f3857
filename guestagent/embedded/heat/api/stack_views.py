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
    """Build a stack's path below heat-api's project."""
    return "/".join(["/stacks", quote(stack.name, safe=""), stack.id, *below])


def format_stack_summary(stack: HeatStack, base: str) -> View:
    """Format a row of the stack list."""
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
    """Format a stack without its outputs."""
    declarations = stack.template.parameters
    values = {name: declarations[name].format_value(value) for name, value in stack.parameters.items()}
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
    """Format the stack's input parameters. Hidden ones stay hidden."""
    declarations = stack.template.parameters
    inputs = {
        name: HIDDEN_VALUE if declarations[name].is_hidden else value
        for name, value in stack.input_parameters.items()
    }
    return {"parameters": inputs, "parameter_defaults": {}, "resource_registry": {}, "event_sinks": []}


def format_outputs(stack: HeatStack, resource_types: ResourceTypes) -> list[View]:
    """Format every output with its value."""
    return [format_output(stack, resource_types, item) for item in stack.template.outputs.values()]


def format_output(stack: HeatStack, resource_types: ResourceTypes, output: TemplateOutput) -> View:
    """Format one output with its value, or with the error that prevents it."""
    view: View = {"output_key": output.name, "description": output.description}
    try:
        value = resolve_functions(
            output.value, stack.template.format.functions, StackScope(stack, resource_types)
        )
    except (TypeError, ValueError, ApiError) as error:
        return {**view, "output_value": None, "output_error": str(error)}
    return {**view, "output_value": value}


def format_resource(item: StackResource, stack: HeatStack, base: str) -> View:
    """Format a row of the plain resource list."""
    required_by = [other.name for other in stack.resources.values() if item.id in other.dependencies]
    url = base + build_stack_path(stack, "resources", quote(item.name, safe=""))
    return {
        "resource_name": item.name,
        "logical_resource_id": item.name,
        "physical_resource_id": item.physical_id,
        "resource_type": item.type,
        "resource_status": f"{item.action}_{item.status}",
        "resource_status_reason": item.reason,
        "creation_time": format_timestamp(item.created_at),
        "updated_time": format_timestamp(item.updated_at or item.created_at),
        "required_by": required_by,
        "links": [
            {"href": url, "rel": "self"},
            {"href": base + build_stack_path(stack), "rel": "stack"},
        ],
    }


def format_resource_details(
    item: StackResource, stack: HeatStack, base: str, resource_types: ResourceTypes
) -> View:
    """Format a resource with its attributes resolved."""
    attributes = StackScope(stack, resource_types).list_attributes(item)
    return {**format_resource(item, stack, base), "description": "", "attributes": attributes}


def format_event(item: StackEvent, stack: HeatStack, base: str) -> View:
    """Format one event of a stack."""
    name = quote(item.resource, safe="")
    return {
        "id": item.id,
        "event_time": format_timestamp(item.time),
        "resource_name": item.resource,
        "logical_resource_id": item.resource,
        "physical_resource_id": item.physical_id,
        "resource_status": item.status,
        "resource_status_reason": item.reason,
        "links": [
            {"href": base + build_stack_path(stack, "resources", name, "events", item.id), "rel": "self"},
            {"href": base + build_stack_path(stack, "resources", name), "rel": "resource"},
            {"href": base + build_stack_path(stack), "rel": "stack"},
        ],
    }


def format_event_details(item: StackEvent, stack: HeatStack, base: str) -> View:
    """Format one event with the properties that its resource had."""
    return {
        **format_event(item, stack, base),
        "resource_type": item.type,
        "resource_properties": dict(item.properties),
    }


def format_cfn_resource(item: StackResource, stack: HeatStack) -> View:
    """Format a resource for the CFN API. Without metadata its element is empty, as in Heat."""
    return {
        "Description": "",
        "LastUpdatedTimestamp": format_timestamp(item.updated_at or item.created_at),
        "LogicalResourceId": item.name,
        "Metadata": json.dumps(item.metadata) if item.metadata else "",
        "PhysicalResourceId": item.physical_id,
        "ResourceStatusReason": item.reason,
        "ResourceType": item.type,
        "StackId": stack.arn,
        "StackName": stack.name,
        "ResourceStatus": f"{item.action}_{item.status}",
    }


def format_validation(template: Template, inputs: Mapping[str, object]) -> View:
    """Format the response of `validate` to a template and parameters."""
    groups = template.source.get("parameter_groups") if template.format.is_hot else None
    return {
        "Description": template.description,
        "Parameters": _parameters(template.parameters, inputs),
        **({"ParameterGroups": groups} if groups else {}),
        "Environment": {
            "event_sinks": [],
            "parameter_defaults": {},
            "parameters": dict(inputs),
            "resource_registry": {"resources": {}},
        },
    }


def _parameters(declarations: Mapping[str, TemplateParameter], inputs: Mapping[str, object]) -> View:
    return {
        name: {
            "Type": parameter.type,
            "Description": parameter.description,
            "NoEcho": str(parameter.is_hidden).lower(),
            "Label": parameter.label,
            **({} if parameter.default is None else {"Default": parameter.default}),
            **({"Value": inputs[name]} if name in inputs else {}),
        }
        for name, parameter in declarations.items()
    }
