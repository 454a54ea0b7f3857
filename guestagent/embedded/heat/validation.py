"""What Heat checks before it accepts a stack, in its order and with its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.heat.kinds import Kinds
from guestagent.embedded.refusals import (
    InvalidTemplateAttribute,
    InvalidTemplateReference,
    StackValidationFailed,
    UnknownUserParameter,
    UserParameterMissing,
)
from guestagent.embedded.template import graph, schema
from guestagent.embedded.template.document import Definition, Template
from guestagent.embedded.template.functions import Use, resolve, uses
from guestagent.embedded.template.schema import Exists

PSEUDO = frozenset({"AWS::StackName", "AWS::StackId", "AWS::Region"})
REGION = "ap-southeast-1"  # whatever the cloud's own region is called: Heat's CFN parameter never changes


def parameters(template: Template, given: Mapping[str, object]) -> dict[str, object]:
    """The template's parameters with the given values and the defaults."""
    for name in given:
        if name not in template.parameters:
            raise UnknownUserParameter(f"The Parameter ({name}) was not defined in template.")
    values: dict[str, object] = {}
    for name, declared in template.parameters.items():
        if name not in given and "Default" not in declared:
            raise UserParameterMissing(f"The Parameter ({name}) was not provided.")
        values[name] = given.get(name, declared.get("Default"))
    return values


def check(template: Template, kinds: Kinds, values: Mapping[str, object], exists: Exists) -> None:
    """Refuse what Heat refuses. What depends on resources to come is told while they are made."""
    for definition in template.resources.values():
        if definition.type not in kinds:
            raise StackValidationFailed(f"The Resource Type ({definition.type}) could not be found.")
    graph.check(dependencies(template))
    before = _Before(template, values)
    for definition in template.resources.values():
        _resource(definition, template, kinds, before, exists)
    for output in template.outputs.values():
        for use in uses(output.value, f"Outputs.{output.name}.Value"):
            _attribute(use, template, kinds)


def dependencies(template: Template) -> graph.Graph:
    """Every resource and those that it needs: named in DependsOn, or used by its properties or metadata."""
    return {name: _needs(definition, template) for name, definition in template.resources.items()}


def _needs(definition: Definition, template: Template) -> frozenset[str]:
    for name in definition.depends_on:
        if name not in template.resources:
            raise InvalidTemplateReference(name, definition.name)
    for use in definition.uses:
        if use.attribute and use.name not in template.resources:
            where = use.path.removeprefix("Resources.").removesuffix(".Fn::GetAtt")
            raise InvalidTemplateReference(use.name, where)
    used = (use.name for use in definition.uses if use.name in template.resources)
    return frozenset({*definition.depends_on, *used})


def _resource(
    definition: Definition, template: Template, kinds: Kinds, before: _Before, exists: Exists
) -> None:
    kind = kinds[definition.type]
    path = f"Resources.{definition.name}.Properties"
    schema.check(definition.properties, kind.schema, path)
    for use in definition.uses:
        _attribute(use, template, kinds)
    for name, value in definition.properties.items():
        here = f"{path}.{name}"
        try:
            resolved = resolve(value, before)
        except (TypeError, ValueError, InvalidTemplateReference) as error:
            raise StackValidationFailed(str(error), here, "Property error") from error
        told = not any(use.name in template.resources for use in uses(value))
        if told and resolved is not None:
            schema.one(resolved, kind.schema[name], here, exists)
    kind.validate(definition, template)


def _attribute(use: Use, template: Template, kinds: Kinds) -> None:
    """Every attribute is one that its resource's type has."""
    if not use.attribute:
        return
    if use.name not in template.resources:
        raise StackValidationFailed(str(InvalidTemplateReference(use.name, "unknown")), use.path)
    if use.attribute not in kinds[template.resources[use.name].type].attributes:
        raise StackValidationFailed(str(InvalidTemplateAttribute(use.name, use.attribute)), use.path)


@dataclass(frozen=True, slots=True)
class _Before:
    """Names before there are resources."""

    template: Template
    values: Mapping[str, object]

    def reference(self, name: str) -> object:
        if name in self.values or name in PSEUDO or name in self.template.resources:
            return self.values.get(name, name)
        raise InvalidTemplateReference(name, "unknown")

    def attribute(self, resource: str, name: str) -> object:
        return None
