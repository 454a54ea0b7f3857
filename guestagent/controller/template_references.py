"""Every name in a template that stands for something else in it: parameters, resources, conditions, mappings.

A function that Heat would reject is noted as a problem on the way. Whether the names exist is for `lint`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from guestagent.controller.template_language import TemplateLanguage
from guestagent.metadata.template_functions import find_calls
from guestagent.validation import Cursor

SUBSTITUTION_PATTERN = re.compile(r"\$\{([^!}][^}]*)\}")
NULLABLE_IF_VERSION = "2021-04-16"


class Target(str, Enum):
    """What a name can stand for."""

    RESOURCE = "resource"
    PARAMETER = "parameter"
    EITHER = "resource or parameter"
    CONDITION = "condition"
    MAPPING = "mapping"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name and its place. `is_certain`: Heat always follows it, whatever a condition comes to."""

    place: Cursor
    name: str
    target: Target
    attribute: str = ""
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class _Context:
    """Where in a template a value stands. `loops` are the variables of the `repeat` around it."""

    language: TemplateLanguage
    in_condition: bool = False
    is_certain: bool = True
    loops: frozenset[str] = frozenset()


def find_references(at: Cursor, language: TemplateLanguage) -> Iterator[Reference]:
    """Find the names in a value that Heat resolves: properties, metadata, an output."""
    yield from _find_references(at, _Context(language))


def find_conditions(at: Cursor, language: TemplateLanguage) -> Iterator[Reference]:
    """Find the names in a condition: another condition's, or those in its functions."""
    yield from _find_condition_names(at, _Context(language))


def get_parameter_name(value: object) -> str | None:
    """Return the parameter's name if the value is a parameter and nothing else."""
    match value:
        case {"Ref": str(name)} | {"get_param": str(name)} if len(value) == 1:  # type: ignore[arg-type]
            return name
    return None


def get_resource_name(value: object) -> str | None:
    """Return the resource's name if the value is a reference to a resource. In CFN a parameter looks the same."""
    match value:
        case {"Ref": str(name)} | {"get_resource": str(name)} if len(value) == 1:  # type: ignore[arg-type]
            return name
    return None


def _find_references(at: Cursor, context: _Context) -> Iterator[Reference]:
    for call in find_calls(at):
        if context.language.can_resolve(call.name, context.in_condition):
            yield from _read_call(call.name, call.arguments, context)
        else:
            yield from _check_foreign_function(call.name, call.arguments, context)
            yield from _find_references(call.arguments, context)


def _read_call(name: str, at: Cursor, context: _Context) -> Iterator[Reference]:
    """Read the arguments of the function `name`."""
    match name:
        case "Ref":
            yield from _read_name(at, Target.PARAMETER if context.in_condition else Target.EITHER, context)
        case "get_resource":
            yield from _read_name(at, Target.RESOURCE, context)
        case "get_param":
            yield from _read_parameter(at, context)
        case "Fn::GetAtt" | "get_attr":
            yield from _read_attribute(name, at, context)
        case "Fn::FindInMap":
            yield from _read_mapping_lookup(at, context)
        case "Fn::If" | "if":
            yield from _read_choice(at, context)
        case "repeat":
            yield from _read_repeat(at, context)
        case "not" | "Fn::Not" | "and" | "Fn::And" | "or" | "Fn::Or":
            for operand in _list_operands(at):
                yield from _find_condition_names(operand, context)
        case _:
            yield from _find_references(at, context)


def _read_name(at: Cursor, target: Target, context: _Context) -> Iterator[Reference]:
    if isinstance(at.value, str):
        yield Reference(at, at.value, target, is_certain=context.is_certain)
    elif isinstance(at.value, dict) and target is Target.RESOURCE:
        yield from _find_references(at, context)
    else:
        at.add_problem("a name")


def _read_parameter(at: Cursor, context: _Context) -> Iterator[Reference]:
    """`name`, or `[name, key, ...]`. A loop's variable may be a part of the name."""
    name = at.value[0] if isinstance(at.value, list) and at.value else at.value
    if isinstance(name, str):
        if not any(variable in name for variable in context.loops):
            yield Reference(at, name, Target.PARAMETER, is_certain=context.is_certain)
    elif not isinstance(name, dict):
        at.add_problem("a parameter's name, or a list that begins with one")
    if not isinstance(at.value, str):
        yield from _find_references(at, context)


def _read_attribute(name: str, at: Cursor, context: _Context) -> Iterator[Reference]:
    expected = "a list of a resource and an attribute"
    match at.value:
        case str(dotted):
            resource, _, attribute = dotted.partition(".")
            do = f"Heat takes no other form: [{resource}, {attribute or 'attribute'}]"
            at.add_problem(expected, f"the string {dotted}", do)
            yield Reference(at, resource, Target.RESOURCE, attribute, context.is_certain)
        case [str(resource), *path] if name == "get_attr" or len(path) == 1:
            attribute = path[0] if path and isinstance(path[0], str) else ""
            yield Reference(at, resource, Target.RESOURCE, attribute, context.is_certain)
            yield from _find_references(at, context)
        case [dict(), *path] if name == "get_attr" or len(path) == 1:
            yield from _find_references(at, context)
        case _:
            at.add_problem(expected)


def _read_mapping_lookup(at: Cursor, context: _Context) -> Iterator[Reference]:
    match at.value:
        case [str(name), _, _]:
            yield Reference(at, name, Target.MAPPING, is_certain=context.is_certain)
        case [_, _, _]:
            pass
        case _:
            at.add_problem("a list of a mapping and two keys")
    yield from _find_references(at, context)


def _read_choice(at: Cursor, context: _Context) -> Iterator[Reference]:
    least = 2 if context.language.is_hot and context.language.version >= NULLABLE_IF_VERSION else 3
    if not isinstance(at.value, list) or not least <= len(at.value) <= 3:
        at.add_problem("a list of a condition and two values")
        return
    condition, *values = (at.get_child(index, value) for index, value in enumerate(at.value))
    yield from _find_condition_names(condition, context)
    for value in values:
        yield from _find_references(value, replace(context, is_certain=False))


def _read_repeat(at: Cursor, context: _Context) -> Iterator[Reference]:
    loops = at.value.get("for_each") if isinstance(at.value, dict) else None
    if not isinstance(at.value, dict) or not {"for_each", "template"} <= at.value.keys():
        at.add_problem("a mapping with for_each and template")
        return
    inner = (
        replace(context, loops=context.loops | {str(key) for key in loops or ()})
        if isinstance(loops, dict)
        else context
    )
    for key, value in at.value.items():
        yield from _find_references(at.get_child(str(key), value), inner if key == "template" else context)


def _list_operands(at: Cursor) -> Iterator[Cursor]:
    elements = at.value if isinstance(at.value, list) else None
    if elements is None:
        yield at
    for index, element in enumerate(elements or ()):
        yield at.get_child(index, element)


def _find_condition_names(at: Cursor, context: _Context) -> Iterator[Reference]:
    match at.value:
        case str(name):
            yield Reference(at, name, Target.CONDITION, is_certain=context.is_certain)
        case {"Condition": str(name)} if len(at.value) == 1:  # type: ignore[arg-type]
            at.add_problem("a condition's name", f"{{Condition: {name}}}", f"write the name alone: {name}")
            yield Reference(at, name, Target.CONDITION, is_certain=context.is_certain)
        case bool():
            pass
        case _:
            yield from _find_references(at, replace(context, in_condition=True))


def _check_foreign_function(name: str, at: Cursor, context: _Context) -> Iterator[Reference]:
    """Note a function that Heat does not know here: it rejects it, or hands it over unresolved."""
    if not context.language.is_foreign(name, context.in_condition):
        return
    where = f"conditions in {context.language}" if context.in_condition else str(context.language)
    at.add_problem(f"a function of {where}", name, "Heat does not resolve it here")
    if name == "Fn::Sub":
        yield from _find_substitutions(at, context)


def _find_substitutions(at: Cursor, context: _Context) -> Iterator[Reference]:
    text, given = at.value, {}
    if isinstance(text, list) and len(text) == 2 and isinstance(text[1], dict):
        text, given = text
    for name in SUBSTITUTION_PATTERN.findall(text) if isinstance(text, str) else ():
        resource, dot, attribute = name.strip().partition(".")
        if resource not in given:
            target = Target.RESOURCE if dot else Target.EITHER
            yield Reference(at, resource, target, attribute, context.is_certain)
