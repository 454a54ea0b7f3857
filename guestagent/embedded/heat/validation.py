"""What Heat checks before it accepts a stack, in its order and with its words."""

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
    template: Template, kinds: ResourceTypes, values: Mapping[str, object], exists: ConstraintCheck
) -> None:
    """Refuse what Heat refuses. What depends on resources to come is told while they are made."""
    for definition in template.resources.values():
        if definition.type not in kinds:
            raise StackValidationFailed(f"The Resource Type ({definition.type}) could not be found.")
    dependencies.check_acyclic(build_dependencies(template))
    if twice := {*template.parameters} & {*template.resources}:
        raise StackValidationFailed(f"Duplicate names {twice}")
    before = _Before(template, values)
    for definition in template.resources.values():
        _resource(definition, template, kinds, before, exists)
    for output in template.outputs.values():
        where = (
            f"{template.format.get_keyword('Outputs')}.{output.name}.{template.format.get_keyword('Value')}"
        )
        for use in find_references(output.value, template.format.functions, where):
            if use.attribute:  # a resource that is not there is null when the output is shown
                _attribute(use, template, kinds)


def build_dependencies(template: Template) -> dependencies.DependencyGraph:
    """Every resource and those that it needs: named in DependsOn, or used by its properties or metadata."""
    return {name: _needs(definition, template) for name, definition in template.resources.items()}


def _needs(definition: ResourceDefinition, template: Template) -> frozenset[str]:
    for name in definition.depends_on:
        if name not in template.resources:
            raise InvalidTemplateReference(name, definition.name)
    for use in definition.references:
        if use.is_strict and use.name not in template.resources:
            raise InvalidTemplateReference(use.name, _where(use))
    used = (use.name for use in definition.references if use.name in template.resources)
    return frozenset({*definition.depends_on, *used})


def _where(use: ResourceReference) -> str:
    """Its place as Heat says it: below the resource's name, in the CFN dialect's words, without the function."""
    _, resource, part, *below = use.path.rpartition(".")[0].split(".")
    return ".".join([resource, part.capitalize(), *below])


def _resource(
    definition: ResourceDefinition,
    template: Template,
    kinds: ResourceTypes,
    before: _Before,
    exists: ConstraintCheck,
) -> None:
    kind = kinds[definition.type]
    path, functions = template.format.build_path(definition.name), template.format.functions
    property_schema.check_property_names(definition.properties, kind.schema, path)
    for use in definition.references:
        _attribute(use, template, kinds)
    for name, value in definition.properties.items():
        here = f"{path}.{name}"
        try:
            resolved = resolve_functions(value, functions, before)
        except PendingParameter:
            continue
        except (TypeError, ValueError, InvalidTemplateReference, UserParameterMissing) as error:
            raise StackValidationFailed(str(error), here, "Property error") from error
        told = not any(use.name in template.resources for use in find_references(value, functions))
        if told and resolved is not None:
            property_schema.convert_value(resolved, kind.schema[name], here, exists)
    kind.validate(definition, template)


def _attribute(use: ResourceReference, template: Template, kinds: ResourceTypes) -> None:
    """Every attribute is one that its resource's type has."""
    if not use.is_strict:
        return
    if use.name not in template.resources:
        raise StackValidationFailed(str(InvalidTemplateReference(use.name, "unknown")), use.path)
    if use.attribute and use.attribute not in kinds[template.resources[use.name].type].attributes:
        raise StackValidationFailed(str(InvalidTemplateAttribute(use.name, use.attribute)), use.path)


class PendingParameter(Exception):
    """A parameter that has no value yet: a template is validated without those that it only declares."""


@dataclass(frozen=True, slots=True)
class _Before:
    """Names before there are resources."""

    template: Template
    values: Mapping[str, object]

    def resolve_reference(self, name: str) -> object:
        try:
            return self.get_parameter(name)
        except UserParameterMissing:
            return self.get_resource(name)

    def get_parameter(self, name: str) -> object:
        known = {**self.template.format.build_pseudo_parameters(*["to come"] * 4), **self.values}
        if name not in known and name in self.template.parameters:
            raise PendingParameter
        if name not in known:
            raise UserParameterMissing(f"The Parameter ({name}) was not provided.")
        return known[name]

    def get_resource(self, name: str) -> object:
        if name in self.template.resources:
            return name
        raise InvalidTemplateReference(name, "unknown")

    def get_attribute(self, resource: str, name: str) -> object:
        return None
