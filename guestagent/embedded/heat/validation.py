"""What Heat checks before it accepts a stack, in its order and with its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.heat.kinds import Kinds
from guestagent.embedded.refusals import (
    InvalidTemplateAttribute,
    InvalidTemplateReference,
    StackValidationFailed,
    UserParameterMissing,
)
from guestagent.embedded.template import graph, schema
from guestagent.embedded.template.document import Definition, Template
from guestagent.embedded.template.functions import Use, resolve, uses
from guestagent.embedded.template.schema import Exists


def check(template: Template, kinds: Kinds, values: Mapping[str, object], exists: Exists) -> None:
    """Refuse what Heat refuses. What depends on resources to come is told while they are made."""
    for definition in template.resources.values():
        if definition.type not in kinds:
            raise StackValidationFailed(f"The Resource Type ({definition.type}) could not be found.")
    graph.check(dependencies(template))
    if twice := {*template.parameters} & {*template.resources}:
        raise StackValidationFailed(f"Duplicate names {twice}")
    before = _Before(template, values)
    for definition in template.resources.values():
        _resource(definition, template, kinds, before, exists)
    for output in template.outputs.values():
        where = f"{template.dialect.word('Outputs')}.{output.name}.{template.dialect.word('Value')}"
        for use in uses(output.value, template.dialect.functions, where):
            if use.attribute:  # a resource that is not there is null when the output is shown
                _attribute(use, template, kinds)


def dependencies(template: Template) -> graph.Graph:
    """Every resource and those that it needs: named in DependsOn, or used by its properties or metadata."""
    return {name: _needs(definition, template) for name, definition in template.resources.items()}


def _needs(definition: Definition, template: Template) -> frozenset[str]:
    for name in definition.depends_on:
        if name not in template.resources:
            raise InvalidTemplateReference(name, definition.name)
    for use in definition.uses:
        if use.strict and use.name not in template.resources:
            raise InvalidTemplateReference(use.name, _where(use))
    used = (use.name for use in definition.uses if use.name in template.resources)
    return frozenset({*definition.depends_on, *used})


def _where(use: Use) -> str:
    """Its place as Heat says it: below the resource's name, in the CFN dialect's words, without the function."""
    _, resource, part, *below = use.path.rpartition(".")[0].split(".")
    return ".".join([resource, part.capitalize(), *below])


def _resource(
    definition: Definition, template: Template, kinds: Kinds, before: _Before, exists: Exists
) -> None:
    kind = kinds[definition.type]
    path, functions = template.dialect.path(definition.name), template.dialect.functions
    schema.check(definition.properties, kind.schema, path)
    for use in definition.uses:
        _attribute(use, template, kinds)
    for name, value in definition.properties.items():
        here = f"{path}.{name}"
        try:
            resolved = resolve(value, functions, before)
        except ParameterToCome:
            continue
        except (TypeError, ValueError, InvalidTemplateReference, UserParameterMissing) as error:
            raise StackValidationFailed(str(error), here, "Property error") from error
        told = not any(use.name in template.resources for use in uses(value, functions))
        if told and resolved is not None:
            schema.one(resolved, kind.schema[name], here, exists)
    kind.validate(definition, template)


def _attribute(use: Use, template: Template, kinds: Kinds) -> None:
    """Every attribute is one that its resource's type has."""
    if not use.strict:
        return
    if use.name not in template.resources:
        raise StackValidationFailed(str(InvalidTemplateReference(use.name, "unknown")), use.path)
    if use.attribute and use.attribute not in kinds[template.resources[use.name].type].attributes:
        raise StackValidationFailed(str(InvalidTemplateAttribute(use.name, use.attribute)), use.path)


class ParameterToCome(Exception):
    """A parameter that has no value yet: a template is validated without those that it only declares."""


@dataclass(frozen=True, slots=True)
class _Before:
    """Names before there are resources."""

    template: Template
    values: Mapping[str, object]

    def reference(self, name: str) -> object:
        try:
            return self.parameter(name)
        except UserParameterMissing:
            return self.resource(name)

    def parameter(self, name: str) -> object:
        known = {**self.template.dialect.pseudo(*["to come"] * 4), **self.values}
        if name not in known and name in self.template.parameters:
            raise ParameterToCome
        if name not in known:
            raise UserParameterMissing(f"The Parameter ({name}) was not provided.")
        return known[name]

    def resource(self, name: str) -> object:
        if name in self.template.resources:
            return name
        raise InvalidTemplateReference(name, "unknown")

    def attribute(self, resource: str, name: str) -> object:
        return None
