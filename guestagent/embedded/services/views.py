"""Stacks, resources and events as heat-api shows them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from guestagent.embedded.heat.kinds import Kinds
from guestagent.embedded.heat.scope import StackScope, pseudo
from guestagent.embedded.heat.stack import Event, Resource, Stack
from guestagent.embedded.refusals import Refusal
from guestagent.embedded.template.document import Output, Template
from guestagent.embedded.template.functions import resolve
from guestagent.embedded.template.parameters import HIDDEN, Parameter

View = dict[str, object]


def path(stack: Stack, *below: str) -> str:
    """A stack's own path below heat-api's project."""
    return "/".join(["/stacks", quote(stack.name, safe=""), stack.id, *below])


def stamp(at: datetime | None) -> str | None:
    """A time as OpenStack writes it."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def summary(stack: Stack, base: str) -> View:
    """A row of the stack list."""
    return {
        "id": stack.id,
        "links": [{"href": base + path(stack), "rel": "self"}],
        "stack_name": stack.name,
        "description": stack.template.description,
        "stack_status": stack.state,
        "stack_status_reason": stack.reason,
        "creation_time": stamp(stack.created),
        "updated_time": stamp(stack.updated),
        "deletion_time": stamp(stack.deleted),
        "stack_owner": "demo",
        "parent": None,
        "stack_user_project_id": stack.user_project,
        "tags": list(stack.tags) or None,
    }


def whole(stack: Stack, base: str) -> View:
    """A stack without its outputs."""
    declared = stack.template.parameters
    values = {name: declared[name].shown(value) for name, value in stack.parameters.items()}
    return {
        **summary(stack, base),
        "template_description": stack.template.description,
        "notification_topics": [],
        "capabilities": [],
        "tags": list(stack.tags),  # of none there is nothing in a list's row, and an empty list here
        "disable_rollback": stack.disable_rollback,
        "timeout_mins": stack.timeout_mins,
        "parameters": {**pseudo(stack), **values},
    }


def environment(stack: Stack) -> View:
    """What was given to the stack beside its template; hidden parameters stay so."""
    declared = stack.template.parameters
    given = {name: HIDDEN if declared[name].hidden else value for name, value in stack.given.items()}
    return {"parameters": given, "parameter_defaults": {}, "resource_registry": {}, "event_sinks": []}


def outputs(stack: Stack, kinds: Kinds) -> list[View]:
    """Every output with its value."""
    return [output(stack, kinds, each) for each in stack.template.outputs.values()]


def output(stack: Stack, kinds: Kinds, wanted: Output) -> View:
    """One output with its value; one that has none says why."""
    shown: View = {"output_key": wanted.name, "description": wanted.description}
    try:
        value = resolve(wanted.value, stack.template.dialect.functions, StackScope(stack, kinds))
    except (TypeError, ValueError, Refusal) as error:
        return {**shown, "output_value": None, "output_error": str(error)}
    return {**shown, "output_value": value}


def resource(each: Resource, stack: Stack, base: str) -> View:
    """A row of the plain resource list."""
    required_by = [other.name for other in stack.resources.values() if each.id in other.needs]
    own = base + path(stack, "resources", quote(each.name, safe=""))
    return {
        "resource_name": each.name,
        "logical_resource_id": each.name,
        "physical_resource_id": each.physical_id,
        "resource_type": each.type,
        "resource_status": f"{each.action}_{each.status}",
        "resource_status_reason": each.reason,
        "creation_time": stamp(each.created),
        "updated_time": stamp(each.updated or each.created),
        "required_by": required_by,
        "links": [
            {"href": own, "rel": "self"},
            {"href": base + path(stack), "rel": "stack"},
        ],
    }


def detailed(each: Resource, stack: Stack, base: str, kinds: Kinds) -> View:
    """A resource with its attributes resolved."""
    attributes = StackScope(stack, kinds).every(each)
    return {**resource(each, stack, base), "description": "", "attributes": attributes}


def event(each: Event, stack: Stack, base: str) -> View:
    """One event of a stack."""
    name = quote(each.resource, safe="")
    return {
        "id": each.id,
        "event_time": stamp(each.at),
        "resource_name": each.resource,
        "logical_resource_id": each.resource,
        "physical_resource_id": each.physical_id,
        "resource_status": each.status,
        "resource_status_reason": each.reason,
        "links": [
            {"href": base + path(stack, "resources", name, "events", each.id), "rel": "self"},
            {"href": base + path(stack, "resources", name), "rel": "resource"},
            {"href": base + path(stack), "rel": "stack"},
        ],
    }


def event_in_full(each: Event, stack: Stack, base: str) -> View:
    """One event by itself, with the properties that its resource had."""
    return {
        **event(each, stack, base),
        "resource_type": each.type,
        "resource_properties": dict(each.properties),
    }


def described(each: Resource, stack: Stack) -> View:
    """The CFN API's detail of a resource. Where there is no metadata its element is empty, as Heat's is."""
    return {
        "Description": "",
        "LastUpdatedTimestamp": stamp(each.updated or each.created),
        "LogicalResourceId": each.name,
        "Metadata": json.dumps(each.metadata) if each.metadata else "",
        "PhysicalResourceId": each.physical_id,
        "ResourceStatusReason": each.reason,
        "ResourceType": each.type,
        "StackId": stack.arn,
        "StackName": stack.name,
        "ResourceStatus": f"{each.action}_{each.status}",
    }


def validated(template: Template, given: Mapping[str, object]) -> View:
    """What `validate` says of a template and the parameters given with it."""
    groups = template.source.get("parameter_groups") if template.dialect.hot else None
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


def _parameters(declared: Mapping[str, Parameter], given: Mapping[str, object]) -> View:
    return {
        name: {
            "Type": parameter.type,
            "Description": parameter.description,
            "NoEcho": str(parameter.hidden).lower(),
            "Label": parameter.label,
            **({} if parameter.default is None else {"Default": parameter.default}),
            **({"Value": given[name]} if name in given else {}),
        }
        for name, parameter in declared.items()
    }
