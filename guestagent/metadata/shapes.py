"""Declarations of what may stand in a document. One shape both reads a value and says its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from guestagent.metadata.characters import CONTROL, END
from guestagent.metadata.document import Unresolved
from guestagent.metadata.functions import FUNCTION, is_function, read_function
from guestagent.problems import Cursor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, Any]

DIGITS = re.compile(rf"^(0|[1-9][0-9]{{0,18}}){END}")


class Shape(Protocol[T_co]):
    """`wanted` is what a problem says was expected; `read` returns None where it has noted a problem."""

    @property
    def wanted(self) -> str: ...
    def read(self, at: Cursor) -> T_co | None: ...
    def schema(self) -> Schema: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string of `least` to `most` characters.

    `banned` and `pattern` are regular expressions, `banning` and `form` their words.
    `why` tells where the limit comes from.
    """

    most: int
    banned: str = CONTROL
    banning: str = "control character"
    pattern: str = ""
    form: str = "a string"
    why: str = ""
    least: int = 1

    @property
    def wanted(self) -> str:
        return f"{self.form} of {self.least} to {self.most} characters"

    def read(self, at: Cursor) -> str | None:
        text = at.value
        if not isinstance(text, str):
            return at.wrong("a string", do="quote it" if isinstance(text, int | float) else "")
        if len(text) < self.least:
            return at.wrong("a string that is not empty", "an empty one")
        if len(text) > self.most:
            return at.wrong(f"at most {self.most} characters", str(len(text)), self.why)
        if self.pattern and not re.search(self.pattern, text):
            return at.wrong(self.form, "another string")
        banned = re.search(self.banned, text)
        if banned:
            return at.wrong(f"a string without any {self.banning}", f"one at character {banned.start() + 1}")
        return text

    def schema(self) -> Schema:
        limits: Schema = {
            "type": "string",
            "minLength": self.least,
            "maxLength": self.most,
            "not": {"pattern": self.banned},
        }
        return limits | ({"pattern": self.pattern} if self.pattern else {})


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer, or the string of its digits: CFN templates and Heat's functions make strings of numbers."""

    least: int
    most: int

    @property
    def wanted(self) -> str:
        return f"an integer from {self.least} to {self.most}" if self.least < self.most else str(self.least)

    def read(self, at: Cursor) -> int | None:
        value = at.value
        if isinstance(value, str) and DIGITS.search(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return at.wrong(self.wanted)
        if not self.least <= value <= self.most:
            found = str(value) if abs(value) < 10**19 else "one of more than 19 digits"
            return at.wrong(self.wanted, found)
        return value

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {
            "anyOf": [number, {"type": "string", "pattern": DIGITS.pattern, "$comment": "the same range"}]
        }


@dataclass(frozen=True, slots=True)
class Boolean:
    wanted: str = "true or false"

    def read(self, at: Cursor) -> bool | None:
        return at.boolean()

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def wanted(self) -> str:
        return " or ".join(self.words)

    def read(self, at: Cursor) -> str | None:
        if not isinstance(at.value, str):
            return at.wrong(self.wanted)
        if at.value not in self.words:
            return at.wrong(self.wanted, "another word")
        return at.value

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class OrFunction(Generic[T]):
    """A value, or a template function in its place."""

    shape: Shape[T]

    @property
    def wanted(self) -> str:
        return self.shape.wanted

    def read(self, at: Cursor) -> T | Unresolved | None:
        return read_function(at) if is_function(at.value) else self.shape.read(at)

    def schema(self) -> Schema:
        return {"anyOf": [self.shape.schema(), {"$ref": FUNCTION}]}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping: the argument that it becomes, its shape, and what it means."""

    argument: str
    shape: Shape[object]
    meaning: str
    required: bool = False
    default: object = None

    def schema(self) -> Schema:
        default = {} if self.default is None else {"default": self.default}
        return {"description": self.meaning} | default | self.shape.schema()


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """A mapping of known keys, built into a value. `open`: other keys belong to others and are left alone."""

    build: Callable[..., T]
    keys: Mapping[str, Key]
    open: bool = False
    wanted: str = "a mapping"

    def read(self, at: Cursor) -> T | None:
        mapping = at.mapping() if self.open else at.known(frozenset(self.keys))
        if mapping is None:
            return None
        before = len(at.problems.found)
        read = {key.argument: _read(key, name, mapping, at) for name, key in self.keys.items()}
        if len(at.problems.found) > before:
            return None
        return self.build(**{argument: value for argument, value in read.items() if value is not None})

    def schema(self) -> Schema:
        required = [name for name, key in self.keys.items() if key.required]
        properties = {name: key.schema() for name, key in self.keys.items()}
        said: Schema = {"type": "object", "properties": properties}
        return (
            said
            | ({"required": required} if required else {})
            | ({} if self.open else {"additionalProperties": False})
        )


def _read(key: Key, name: str, mapping: Mapping[str, object], at: Cursor) -> object:
    if name not in mapping:
        return at.child(name, None).wrong(key.shape.wanted) if key.required else None
    child = at.child(name, mapping[name])
    if is_function(child.value) and not isinstance(key.shape, OrFunction):
        return child.wrong(key.shape.wanted, "a template function", "write the value itself")
    return key.shape.read(child)
