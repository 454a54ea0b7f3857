"""Template functions that Heat has not resolved: found by name, kept unchanged, shown by what they refer to."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from guestagent.metadata.document import UnresolvedFunction
from guestagent.metadata.function_names import (
    CFN_FUNCTIONS,
    CFN_LOGICAL_FUNCTIONS,
    HOT_FUNCTIONS,
    HOT_LOGICAL_FUNCTIONS,
)
from guestagent.metadata.regex_fragments import CONTROL, SURROGATES
from guestagent.validation import Cursor, Problems

FUNCTION_REF = "#/$defs/function"
VALUE_LIMIT = 1000
DEPTH_LIMIT = 20
NAME_LENGTH_LIMIT = 255


def is_function(value: object) -> bool:
    """Return whether a value is one key that names a function of either format, or looks like one of CFN's."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [name] = value
    return isinstance(name, str) and (name in FUNCTIONS or name.startswith("Fn::"))


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function in a template, and its arguments with their place."""

    name: str
    arguments: Cursor


def find_calls(cursor: Cursor) -> Iterator[FunctionCall]:
    """Find the outermost functions in a value of a template: those in their arguments are for the caller to find.

    This is the one walk over a template's functions, for documents and for whole templates.
    """
    match cursor.value:
        case dict(mapping) if is_function(mapping):
            [(name, arguments)] = mapping.items()
            yield FunctionCall(name, cursor.get_child(name, arguments))
        case dict(mapping):
            for key, value in mapping.items():
                yield from find_calls(cursor.get_child(str(key), value))
        case list(elements):
            for index, value in enumerate(elements):
                yield from find_calls(cursor.get_child(index, value))


def read_function(cursor: Cursor) -> UnresolvedFunction | None:
    """Read the function at this place, where `is_function` is true."""
    assert isinstance(cursor.value, dict)
    [(name, arguments)] = cursor.value.items()
    if name not in FUNCTIONS:
        neighbours = get_close_matches(name[:NAME_LENGTH_LIMIT], sorted(FUNCTIONS), n=1)
        return cursor.add_problem(
            "one of Heat's functions",
            "an unknown one",
            f"did you mean {neighbours[0]}?" if neighbours else "",
        )
    text = encode_canonical_json(cursor.value)
    if text is None:
        return cursor.add_problem(
            f"a function of at most {VALUE_LIMIT} JSON values, {DEPTH_LIMIT} deep", "another"
        )
    expected = FUNCTIONS[name].describe_mismatch(arguments)
    if expected:
        return cursor.get_child(name, arguments).add_problem(expected, "something else")
    return UnresolvedFunction(_describe_function(name, arguments), text)


def build_function(function: Mapping[str, object]) -> UnresolvedFunction:
    """Return a function of a template that this program makes, which is valid."""
    [(name, arguments)] = function.items()
    text = json.dumps(function, sort_keys=True, separators=(",", ":"))
    return UnresolvedFunction(_describe_function(name, arguments), text)


def encode_canonical_json(value: object) -> str | None:
    """Return the canonical JSON text of a value; None if there is none, or if the value is too large or too deep."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    count = 0
    while waiting:
        value_part, depth = waiting.pop()
        count += 1
        if count > VALUE_LIMIT or depth > DEPTH_LIMIT or not _is_json(value_part):
            return None
        if isinstance(value_part, dict):
            if not all(isinstance(key, str) and _is_encodable(key) for key in value_part):
                return None
            value_part = list(value_part.values())
        if isinstance(value_part, list):
            waiting += [(child, depth + 1) for child in value_part[: VALUE_LIMIT + 1]]
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def build_function_schema() -> dict[str, Any]:
    """Build the JSON Schema of any function."""
    return {
        "description": "A template function that Heat has not resolved: for validate and plan only",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {name: arguments.build_schema() for name, arguments in FUNCTIONS.items()},
        "additionalProperties": False,
    }


def _is_json(value: object) -> bool:
    match value:
        case str():
            return _is_encodable(value)
        case float():
            return math.isfinite(value)
        case int():
            return abs(value) < 10**19
    return value is None or isinstance(value, list | dict)


def _is_encodable(text: str) -> bool:
    return not re.search(f"[{SURROGATES}]", text)


@dataclass(frozen=True, slots=True)
class NameArgument:
    """One name."""

    def describe_mismatch(self, arguments: object) -> str:
        return "" if _is_word(arguments) else "a name"

    def build_schema(self) -> dict[str, Any]:
        return dict(_WORD)


@dataclass(frozen=True, slots=True)
class PathArgument:
    """A name and what is read of it: a list of at least `min_parts`, or a dotted name, or a single name."""

    min_parts: int
    allows_dotted: bool = False
    allows_single: bool = False

    def describe_mismatch(self, arguments: object) -> str:
        match arguments:
            case [str(name), *rest] if len(rest) + 1 >= self.min_parts and _is_word(name):
                return "" if all(_is_part(part) for part in rest) else "a list of names and numbers"
            case str(name) if _is_word(name) and (self.allows_single or (self.allows_dotted and "." in name)):
                return ""
        return (
            "a list of a name and an attribute"
            if self.min_parts > 1
            else "a name, or a list that begins with one"
        )

    def build_schema(self) -> dict[str, Any]:
        part = {"anyOf": [_WORD, {"type": "integer"}, {"$ref": FUNCTION_REF}]}
        parts = {"type": "array", "minItems": self.min_parts, "prefixItems": [_WORD], "items": part}
        if self.allows_single:
            return {"anyOf": [parts, _WORD]}
        return {"anyOf": [parts, _WORD | {"pattern": r"\."}]} if self.allows_dotted else parts


@dataclass(frozen=True, slots=True)
class AnyArgument:
    """Arguments that only Heat reads."""

    def describe_mismatch(self, arguments: object) -> str:
        return ""

    def build_schema(self) -> dict[str, Any]:
        return {}


_WORD = {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH_LIMIT, "not": {"pattern": CONTROL}}
ArgumentShape = NameArgument | PathArgument | AnyArgument
_REFERENCE_FUNCTIONS: dict[str, ArgumentShape] = {
    "Ref": NameArgument(),
    "Fn::GetAtt": PathArgument(2, allows_dotted=True),
    "get_resource": NameArgument(),
    "get_attr": PathArgument(2),
    "get_param": PathArgument(1, allows_single=True),
    "get_file": NameArgument(),
}
_ALL_NAMES = (*CFN_FUNCTIONS, *CFN_LOGICAL_FUNCTIONS, *HOT_FUNCTIONS, *HOT_LOGICAL_FUNCTIONS)
FUNCTIONS = _REFERENCE_FUNCTIONS | {
    name: AnyArgument() for name in _ALL_NAMES if name not in _REFERENCE_FUNCTIONS
}


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= NAME_LENGTH_LIMIT and not re.search(CONTROL, value)


def _is_part(value: object) -> bool:
    return (
        _is_word(value)
        or _is_valid_function(value)
        or (isinstance(value, int) and not isinstance(value, bool))
    )


def _is_valid_function(value: object) -> bool:
    """Return whether this is one of Heat's functions with arguments that it can have."""
    if not isinstance(value, dict) or not is_function(value):
        return False
    [(name, arguments)] = value.items()
    return name in FUNCTIONS and not FUNCTIONS[name].describe_mismatch(arguments)


def _describe_function(name: str, arguments: object) -> str:
    """Describe what a function refers to. Its literals are left out: one may be a piece of a password."""
    shape = FUNCTIONS.get(name, AnyArgument())
    if not isinstance(shape, AnyArgument) and not shape.describe_mismatch(arguments):
        parts = arguments if isinstance(arguments, list) else [arguments]
        return ".".join("*" if is_function(part) else str(part) for part in parts)
    calls = find_calls(Problems().open_cursor(arguments))
    return f"{name}({', '.join(_describe_function(call.name, call.arguments.value) for call in calls)})"
