"""The checks of a template before Heat accepts a stack, in Heat's order and with its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.heat import dependencies
from guestagent.embedded.heat.resources.resource_type import ResourceTypes
from guestagent.embedded.heat.template import property_schema
from guestagent.embedded.heat.template.errors import (
    InvalidTemplateAttribute,
    InvalidTemplateReference,
    StackValidationFailed,
    UserParameterMissing,
)
from guestagent.embedded.heat.template.functions import ResourceReference, find_references, resolve_functions
from guestagent.embedded.heat.template.parser import ResourceDefinition, Template
from guestagent.embedded.heat.template.property_schema import ConstraintCheck


def validate_template(
    template: Template,
    resource_types: ResourceTypes,
    values: Mapping[str, object],
    check_constraint: ConstraintCheck,
) -> None:
    """Reject what Heat rejects. Values that depend on future resources are checked when those are created."""
    for definition in template.resources.values():
        if definition.type not in resource_types:
            raise StackValidationFailed(f"The Resource Type ({definition.type}) could not be found.")
    dependencies.check_acyclic(build_dependencies(template))
    if duplicates := {*template.parameters} & {*template.resources}:
        raise StackValidationFailed(f"Duplicate names {duplicates}")
    scope = PlannedScope(template, values)
    for definition in template.resources.values():
        _check_resource(definition, template, resource_types, scope, check_constraint)
    for output in template.outputs.values():
        value_path = (
            f"{template.format.get_keyword('Outputs')}.{output.name}.{template.format.get_keyword('Value')}"
        )
        for reference in find_references(output.value, template.format.functions, value_path):
            if reference.attribute:  # a resource that is not there is null when the output is shown
                _check_attribute(reference, template, resource_types)


def build_dependencies(template: Template) -> dependencies.DependencyGraph:
    """Map every resource to those that it needs: named in DependsOn, or referenced in its properties or metadata."""
    return {name: _find_dependencies(definition, template) for name, definition in template.resources.items()}


def _find_dependencies(definition: ResourceDefinition, template: Template) -> frozenset[str]:
    for name in definition.depends_on:
        if name not in template.resources:
            raise InvalidTemplateReference(name, definition.name)
    for reference in definition.references:
        if reference.is_strict and reference.name not in template.resources:
            raise InvalidTemplateReference(reference.name, _format_heat_path(reference))
    referenced = (
        reference.name for reference in definition.references if reference.name in template.resources
    )
    return frozenset({*definition.depends_on, *referenced})


def _format_heat_path(reference: ResourceReference) -> str:
    """Format a reference's path as Heat does: below the resource's name, with CFN keywords, without the function."""
    _, resource, part, *below = reference.path.rpartition(".")[0].split(".")
    return ".".join([resource, part.capitalize(), *below])


def _check_resource(
    definition: ResourceDefinition,
    template: Template,
    resource_types: ResourceTypes,
    scope: PlannedScope,
    check_constraint: ConstraintCheck,
) -> None:
    resource_type = resource_types[definition.type]
    path, functions = template.format.build_path(definition.name), template.format.functions
    property_schema.check_property_names(definition.properties, resource_type.schema, path)
    for reference in definition.references:
        _check_attribute(reference, template, resource_types)
    for name, value in definition.properties.items():
        property_path = f"{path}.{name}"
        try:
            resolved = resolve_functions(value, functions, scope)
        except PendingParameter:
            continue
        except (TypeError, ValueError, InvalidTemplateReference, UserParameterMissing) as error:
            raise StackValidationFailed(str(error), property_path, "Property error") from error
        is_known = not any(
            reference.name in template.resources for reference in find_references(value, functions)
        )
        if is_known and resolved is not None:
            property_schema.convert_value(
                resolved, resource_type.schema[name], property_path, check_constraint
            )
    resource_type.validate(definition, template)


def _check_attribute(reference: ResourceReference, template: Template, resource_types: ResourceTypes) -> None:
    """Check that the resource exists and its type has the attribute."""
    if not reference.is_strict:
        return
    if reference.name not in template.resources:
        raise StackValidationFailed(str(InvalidTemplateReference(reference.name, "unknown")), reference.path)
    if (
        reference.attribute
        and reference.attribute not in resource_types[template.resources[reference.name].type].attributes
    ):
        raise StackValidationFailed(
            str(InvalidTemplateAttribute(reference.name, reference.attribute)), reference.path
        )


class PendingParameter(Exception):
    """A parameter without a value: a template can be validated without its parameters."""


@dataclass(frozen=True, slots=True)
class PlannedScope:
    """The names of a template before its resources exist."""

    template: Template
    values: Mapping[str, object]

    def resolve_reference(self, name: str) -> object:
        try:
            return self.get_parameter(name)
        except UserParameterMissing:
            return self.get_resource(name)

    def get_parameter(self, name: str) -> object:
        values_by_name = {**self.template.format.build_pseudo_parameters(*["to come"] * 4), **self.values}
        if name not in values_by_name and name in self.template.parameters:
            raise PendingParameter
        if name not in values_by_name:
            raise UserParameterMissing(f"The Parameter ({name}) was not provided.")
        return values_by_name[name]

    def get_resource(self, name: str) -> object:
        if name in self.template.resources:
            return name
        raise InvalidTemplateReference(name, "unknown")

    def get_attribute(self, resource: str, name: str) -> object:
        return None
