"""Finds every name in a template that refers to a parameter, a resource, a condition or a mapping.

A function that Heat would reject is noted as a problem. `lint` checks whether the names exist.
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
    """The kinds of things that a name can refer to."""

    RESOURCE = "resource"
    PARAMETER = "parameter"
    EITHER = "resource or parameter"
    CONDITION = "condition"
    MAPPING = "mapping"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name and its place. `is_certain`: Heat follows it whatever the conditions are."""

    place: Cursor
    name: str
    target: Target
    attribute: str = ""
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class _Context:
    """The context of a value. `loop_variables` are those of the `repeat` around it."""

    language: TemplateLanguage
    in_condition: bool = False
    is_certain: bool = True
    loop_variables: frozenset[str] = frozenset()


def find_references(cursor: Cursor, language: TemplateLanguage) -> Iterator[Reference]:
    """Find the names in a value that Heat resolves: properties, metadata, an output."""
    yield from _find_references(cursor, _Context(language))


def find_conditions(cursor: Cursor, language: TemplateLanguage) -> Iterator[Reference]:
    """Find the names in a condition: another condition, or names in its functions."""
    yield from _find_condition_names(cursor, _Context(language))


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


def _find_references(cursor: Cursor, context: _Context) -> Iterator[Reference]:
    for call in find_calls(cursor):
        if context.language.can_resolve(call.name, context.in_condition):
            yield from _read_call(call.name, call.arguments, context)
        else:
            yield from _check_foreign_function(call.name, call.arguments, context)
            yield from _find_references(call.arguments, context)


def _read_call(name: str, cursor: Cursor, context: _Context) -> Iterator[Reference]:
    """Read the arguments of the function `name`."""
    match name:
        case "Ref":
            yield from _read_name(
                cursor, Target.PARAMETER if context.in_condition else Target.EITHER, context
            )
        case "get_resource":
            yield from _read_name(cursor, Target.RESOURCE, context)
        case "get_param":
            yield from _read_parameter(cursor, context)
        case "Fn::GetAtt" | "get_attr":
            yield from _read_attribute(name, cursor, context)
        case "Fn::FindInMap":
            yield from _read_mapping_lookup(cursor, context)
        case "Fn::If" | "if":
            yield from _read_choice(cursor, context)
        case "repeat":
            yield from _read_repeat(cursor, context)
        case "not" | "Fn::Not" | "and" | "Fn::And" | "or" | "Fn::Or":
            for operand in _list_operands(cursor):
                yield from _find_condition_names(operand, context)
        case _:
            yield from _find_references(cursor, context)


def _read_name(cursor: Cursor, target: Target, context: _Context) -> Iterator[Reference]:
    if isinstance(cursor.value, str):
        yield Reference(cursor, cursor.value, target, is_certain=context.is_certain)
    elif isinstance(cursor.value, dict) and target is Target.RESOURCE:
        yield from _find_references(cursor, context)
    else:
        cursor.add_problem("a name")


def _read_parameter(cursor: Cursor, context: _Context) -> Iterator[Reference]:
    """Read `name`, or `[name, key, ...]`. A loop variable may be a part of the name."""
    name = cursor.value[0] if isinstance(cursor.value, list) and cursor.value else cursor.value
    if isinstance(name, str):
        if not any(variable in name for variable in context.loop_variables):
            yield Reference(cursor, name, Target.PARAMETER, is_certain=context.is_certain)
    elif not isinstance(name, dict):
        cursor.add_problem("a parameter's name, or a list that begins with one")
    if not isinstance(cursor.value, str):
        yield from _find_references(cursor, context)


def _read_attribute(name: str, cursor: Cursor, context: _Context) -> Iterator[Reference]:
    expected = "a list of a resource and an attribute"
    match cursor.value:
        case str(dotted):
            resource, _, attribute = dotted.partition(".")
            do = f"Heat accepts no other form: [{resource}, {attribute or 'attribute'}]"
            cursor.add_problem(expected, f"the string {dotted}", do)
            yield Reference(cursor, resource, Target.RESOURCE, attribute, context.is_certain)
        case [str(resource), *path] if name == "get_attr" or len(path) == 1:
            attribute = path[0] if path and isinstance(path[0], str) else ""
            yield Reference(cursor, resource, Target.RESOURCE, attribute, context.is_certain)
            yield from _find_references(cursor, context)
        case [dict(), *path] if name == "get_attr" or len(path) == 1:
            yield from _find_references(cursor, context)
        case _:
            cursor.add_problem(expected)


def _read_mapping_lookup(cursor: Cursor, context: _Context) -> Iterator[Reference]:
    match cursor.value:
        case [str(name), _, _]:
            yield Reference(cursor, name, Target.MAPPING, is_certain=context.is_certain)
        case [_, _, _]:
            pass
        case _:
            cursor.add_problem("a list of a mapping and two keys")
    yield from _find_references(cursor, context)


def _read_choice(cursor: Cursor, context: _Context) -> Iterator[Reference]:
    min_length = 2 if context.language.is_hot and context.language.version >= NULLABLE_IF_VERSION else 3
    if not isinstance(cursor.value, list) or not min_length <= len(cursor.value) <= 3:
        cursor.add_problem("a list of a condition and two values")
        return
    condition, *values = (cursor.get_child(index, value) for index, value in enumerate(cursor.value))
    yield from _find_condition_names(condition, context)
    for value in values:
        yield from _find_references(value, replace(context, is_certain=False))


def _read_repeat(cursor: Cursor, context: _Context) -> Iterator[Reference]:
    loop_variables = cursor.value.get("for_each") if isinstance(cursor.value, dict) else None
    if not isinstance(cursor.value, dict) or not {"for_each", "template"} <= cursor.value.keys():
        cursor.add_problem("a mapping with for_each and template")
        return
    template_context = (
        replace(context, loop_variables=context.loop_variables | {str(key) for key in loop_variables or ()})
        if isinstance(loop_variables, dict)
        else context
    )
    for key, value in cursor.value.items():
        yield from _find_references(
            cursor.get_child(str(key), value), template_context if key == "template" else context
        )


def _list_operands(cursor: Cursor) -> Iterator[Cursor]:
    elements = cursor.value if isinstance(cursor.value, list) else None
    if elements is None:
        yield cursor
    for index, element in enumerate(elements or ()):
        yield cursor.get_child(index, element)


def _find_condition_names(cursor: Cursor, context: _Context) -> Iterator[Reference]:
    match cursor.value:
        case str(name):
            yield Reference(cursor, name, Target.CONDITION, is_certain=context.is_certain)
        case {"Condition": str(name)} if len(cursor.value) == 1:  # type: ignore[arg-type]
            cursor.add_problem(
                "a condition's name", f"{{Condition: {name}}}", f"write the name alone: {name}"
            )
            yield Reference(cursor, name, Target.CONDITION, is_certain=context.is_certain)
        case bool():
            pass
        case _:
            yield from _find_references(cursor, replace(context, in_condition=True))


def _check_foreign_function(name: str, cursor: Cursor, context: _Context) -> Iterator[Reference]:
    """Note a function that Heat does not know here: it rejects the function, or does not resolve it."""
    if not context.language.is_foreign(name, context.in_condition):
        return
    place_name = f"conditions in {context.language}" if context.in_condition else str(context.language)
    cursor.add_problem(f"a function of {place_name}", name, "Heat does not resolve it here")
    if name == "Fn::Sub":
        yield from _find_substitutions(cursor, context)


def _find_substitutions(cursor: Cursor, context: _Context) -> Iterator[Reference]:
    text, substitutions = cursor.value, {}
    if isinstance(text, list) and len(text) == 2 and isinstance(text[1], dict):
        text, substitutions = text
    for name in SUBSTITUTION_PATTERN.findall(text) if isinstance(text, str) else ():
        resource, dot, attribute = name.strip().partition(".")
        if resource not in substitutions:
            target = Target.RESOURCE if dot else Target.EITHER
            yield Reference(cursor, resource, target, attribute, context.is_certain)
