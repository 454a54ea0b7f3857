"""Server variables: names, and the scalars that they may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.metadata.characters import END
from guestagent.metadata.document import Unresolved
from guestagent.metadata.shapes import OrFunction, Schema, Text
from guestagent.problems import Cursor

MOST = 200
LEAST_NUMBER, MOST_NUMBER = -(2**63), 2**64 - 1
NAME = Text(64, pattern=rf"^[A-Za-z][A-Za-z0-9_-]*{END}", form="a variable's name (letters, digits, _ and -)")
WORDS = Text(1024, least=0)


@dataclass(frozen=True, slots=True)
class Scalar:
    wanted: str = "a string, an integer or a boolean"

    def read(self, at: Cursor) -> str | int | bool | None:
        value = at.value
        if isinstance(value, str):
            return WORDS.read(at)
        if not isinstance(value, int):
            return at.wrong(self.wanted, do="quote it" if isinstance(value, float) else "")
        if not LEAST_NUMBER <= value <= MOST_NUMBER:
            return at.wrong("an integer of 64 bits", "a longer one")
        return value

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": LEAST_NUMBER, "maximum": MOST_NUMBER}
        return {"anyOf": [WORDS.schema(), number, {"type": "boolean"}]}


SCALAR: OrFunction[str | int | bool] = OrFunction(Scalar())


@dataclass(frozen=True, slots=True)
class Variables:
    """Server variables: a name and a scalar each."""

    wanted: str = "a mapping of server variables"

    def read(self, at: Cursor) -> Mapping[str, str | int | bool | Unresolved] | None:
        mapping = at.mapping()
        if mapping is None:
            return None
        if len(mapping) > MOST:
            return at.wrong(f"at most {MOST} variables", str(len(mapping)))
        read: dict[str, str | int | bool | Unresolved] = {}
        for name, value in mapping.items():
            child = at.child(name[:64], value)
            if NAME.read(Cursor(name, child.path, at.problems)) is None:
                continue
            scalar = SCALAR.read(child)
            if scalar is not None:
                read[name] = scalar
        return read

    def schema(self) -> Schema:
        names = {"pattern": NAME.pattern}
        return {
            "type": "object",
            "maxProperties": MOST,
            "propertyNames": names,
            "additionalProperties": SCALAR.schema(),
        }
