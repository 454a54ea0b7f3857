"""The server variables of a document: only those of the allowlist, each with a valid value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.metadata.document import UnresolvedFunction
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import Schema, Text
from guestagent.metadata.template_functions import FUNCTION_REF, is_function, read_function
from guestagent.metadata.variable_allowlist import (
    KNOWN_VARIABLES,
    check_name,
    check_value,
    normalise_name,
)
from guestagent.metadata.variable_consistency import check_ordered_pairs
from guestagent.validation import Cursor

VARIABLE_LIMIT = 200
NUMBER_MIN, NUMBER_MAX = -(2**63), 2**64 - 1
VARIABLE_NAME = Text(
    64, pattern=rf"^[A-Za-z][A-Za-z0-9_-]*{END}", description="a variable's name (letters, digits, _ and -)"
)
VALUE_TEXT = Text(1024, min_length=0)


@dataclass(frozen=True, slots=True)
class ScalarShape:
    expected: str = "a string, an integer or a boolean"

    def read(self, cursor: Cursor) -> str | int | bool | None:
        value = cursor.value
        if isinstance(value, str):
            return VALUE_TEXT.read(cursor)
        if not isinstance(value, int):
            return cursor.add_problem(self.expected, do="quote it" if isinstance(value, float) else "")
        if not NUMBER_MIN <= value <= NUMBER_MAX:
            return cursor.add_problem("an integer of 64 bits", "a longer one")
        return value


SCALAR = ScalarShape()


@dataclass(frozen=True, slots=True)
class VariablesShape:
    """Server variables: names of the allowlist, each with a scalar that is valid for it."""

    expected: str = "a mapping of server variables"

    def read(self, cursor: Cursor) -> Mapping[str, str | int | bool | UnresolvedFunction] | None:
        mapping = cursor.read_mapping()
        if mapping is None:
            return None
        if len(mapping) > VARIABLE_LIMIT:
            return cursor.add_problem(f"at most {VARIABLE_LIMIT} variables", str(len(mapping)))
        values: dict[str, str | int | bool | UnresolvedFunction] = {}
        for spelling, value in mapping.items():
            child = cursor.get_child(spelling[:64], value)
            if VARIABLE_NAME.read(Cursor(spelling, child.path, cursor.problems)) is None:
                continue
            name = normalise_name(spelling)
            if name in values:
                child.add_problem("each variable once", "it twice: - and _ are the same to a server")
            elif check_name(child, name):
                scalar = read_function(child) if is_function(value) else SCALAR.read(child)
                if scalar is not None:
                    values[name] = scalar
                if scalar is not None and not isinstance(scalar, UnresolvedFunction):
                    check_value(child, name, scalar)
        check_ordered_pairs(cursor, values)
        return values

    def build_schema(self) -> Schema:
        patterns = {
            f"^{name.replace('_', '[_-]')}{END}": {
                "anyOf": [variable.type.build_schema(), {"$ref": FUNCTION_REF}]
            }
            for name, variable in sorted(KNOWN_VARIABLES.items())
        }
        return {
            "type": "object",
            "maxProperties": VARIABLE_LIMIT,
            "patternProperties": patterns,
            "additionalProperties": False,
        }
