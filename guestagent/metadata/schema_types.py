"""Shapes: each declares the valid values of a part of a document, reads one, and builds its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from guestagent.metadata.document import UnresolvedFunction
from guestagent.metadata.regex_fragments import CONTROL, END
from guestagent.metadata.template_functions import FUNCTION_REF, is_function, read_function
from guestagent.validation import Cursor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, Any]

DIGITS = re.compile(rf"^(0|[1-9][0-9]{{0,18}}){END}")


class Shape(Protocol[T_co]):
    """`expected` is the text for a problem. `read` returns None if it has noted a problem."""

    @property
    def expected(self) -> str: ...
    def read(self, cursor: Cursor) -> T_co | None: ...
    def build_schema(self) -> Schema: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string of `min_length` to `max_length` characters.

    `forbidden_pattern` and `pattern` are regular expressions, which `forbidden_name` and `description` describe.
    `reason` explains the limit of the length.
    """

    max_length: int
    forbidden_pattern: str = CONTROL
    forbidden_name: str = "control character"
    pattern: str = ""
    description: str = "a string"
    reason: str = ""
    min_length: int = 1

    @property
    def expected(self) -> str:
        return f"{self.description} of {self.min_length} to {self.max_length} characters"

    def read(self, cursor: Cursor) -> str | None:
        text = cursor.value
        if not isinstance(text, str):
            return cursor.add_problem("a string", do="quote it" if isinstance(text, int | float) else "")
        if len(text) < self.min_length:
            return cursor.add_problem("a string that is not empty", "an empty one")
        if len(text) > self.max_length:
            return cursor.add_problem(f"at most {self.max_length} characters", str(len(text)), self.reason)
        if self.pattern and not re.search(self.pattern, text):
            return cursor.add_problem(self.description, "another string")
        forbidden = re.search(self.forbidden_pattern, text)
        if forbidden:
            return cursor.add_problem(
                f"a string without any {self.forbidden_name}", f"one at character {forbidden.start() + 1}"
            )
        return text

    def build_schema(self) -> Schema:
        limits: Schema = {
            "type": "string",
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "not": {"pattern": self.forbidden_pattern},
        }
        return limits | ({"pattern": self.pattern} if self.pattern else {})


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer, or a string of its digits: CFN templates and Heat's functions turn numbers into strings."""

    minimum: int
    maximum: int

    @property
    def expected(self) -> str:
        return (
            f"an integer from {self.minimum} to {self.maximum}"
            if self.minimum < self.maximum
            else str(self.minimum)
        )

    def read(self, cursor: Cursor) -> int | None:
        value = cursor.value
        if isinstance(value, str) and DIGITS.search(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return cursor.add_problem(self.expected)
        if not self.minimum <= value <= self.maximum:
            found = str(value) if abs(value) < 10**19 else "one of more than 19 digits"
            return cursor.add_problem(self.expected, found)
        return value

    def build_schema(self) -> Schema:
        number = {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}
        return {
            "anyOf": [number, {"type": "string", "pattern": DIGITS.pattern, "$comment": "the same range"}]
        }


@dataclass(frozen=True, slots=True)
class Boolean:
    expected: str = "true or false"

    def read(self, cursor: Cursor) -> bool | None:
        return cursor.read_boolean()

    def build_schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return " or ".join(self.words)

    def read(self, cursor: Cursor) -> str | None:
        if not isinstance(cursor.value, str):
            return cursor.add_problem(self.expected)
        if cursor.value not in self.words:
            return cursor.add_problem(self.expected, "another word")
        return cursor.value

    def build_schema(self) -> Schema:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class ValueOrFunction(Generic[T]):
    """A value, or a template function in place of it."""

    shape: Shape[T]

    @property
    def expected(self) -> str:
        return self.shape.expected

    def read(self, cursor: Cursor) -> T | UnresolvedFunction | None:
        return read_function(cursor) if is_function(cursor.value) else self.shape.read(cursor)

    def build_schema(self) -> Schema:
        return {"anyOf": [self.shape.build_schema(), {"$ref": FUNCTION_REF}]}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping: the argument for it, its shape, and its meaning."""

    argument: str
    shape: Shape[object]
    meaning: str
    required: bool = False
    default: object = None

    def build_schema(self) -> Schema:
        default = {} if self.default is None else {"default": self.default}
        return {"description": self.meaning} | default | self.shape.build_schema()


@dataclass(frozen=True, slots=True)
class MappingShape(Generic[T]):
    """A mapping of known keys, built into a value. `open`: other keys belong to other programs and are ignored."""

    build: Callable[..., T]
    keys: Mapping[str, Key]
    open: bool = False
    expected: str = "a mapping"

    def read(self, cursor: Cursor) -> T | None:
        mapping = cursor.read_mapping() if self.open else cursor.read_known_keys(frozenset(self.keys))
        if mapping is None:
            return None
        count_before = len(cursor.problems.problems)
        values = {key.argument: _read_key(key, name, mapping, cursor) for name, key in self.keys.items()}
        if len(cursor.problems.problems) > count_before:
            return None
        return self.build(**{argument: value for argument, value in values.items() if value is not None})

    def build_schema(self) -> Schema:
        required = [name for name, key in self.keys.items() if key.required]
        properties = {name: key.build_schema() for name, key in self.keys.items()}
        schema: Schema = {"type": "object", "properties": properties}
        return (
            schema
            | ({"required": required} if required else {})
            | ({} if self.open else {"additionalProperties": False})
        )


def _read_key(key: Key, name: str, mapping: Mapping[str, object], cursor: Cursor) -> object:
    if name not in mapping:
        return cursor.get_child(name, None).add_problem(key.shape.expected) if key.required else None
    child = cursor.get_child(name, mapping[name])
    if is_function(child.value) and not isinstance(key.shape, ValueOrFunction):
        return child.add_problem(key.shape.expected, "a template function", "write the value itself")
    return key.shape.read(child)
