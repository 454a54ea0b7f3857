"""Server variables as a document names them: only those of the checked list, each with a value of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from guestagent.metadata.consistency_checks import check_ordered_pairs
from guestagent.metadata.document import UnresolvedFunction
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import Schema, Text
from guestagent.metadata.template_functions import FUNCTION_REF, is_function, read_function
from guestagent.metadata.variable_allowlist import (
    KNOWN_VARIABLES,
    check_value,
    explain_reserved,
    normalise_name,
)
from guestagent.validation import Cursor

VARIABLE_LIMIT = 200
NUMBER_MIN, NUMBER_MAX = -(2**63), 2**64 - 1
VARIABLE_NAME = Text(
    64, pattern=rf"^[A-Za-z][A-Za-z0-9_-]*{END}", description="a variable's name (letters, digits, _ and -)"
)
VALUE_TEXT = Text(1024, min_length=0)
REFERENCE_ADVICE = "docs/reference/variables.md lists them"


@dataclass(frozen=True, slots=True)
class ScalarShape:
    expected: str = "a string, an integer or a boolean"

    def read(self, at: Cursor) -> str | int | bool | None:
        value = at.value
        if isinstance(value, str):
            return VALUE_TEXT.read(at)
        if not isinstance(value, int):
            return at.add_problem(self.expected, do="quote it" if isinstance(value, float) else "")
        if not NUMBER_MIN <= value <= NUMBER_MAX:
            return at.add_problem("an integer of 64 bits", "a longer one")
        return value


SCALAR = ScalarShape()


@dataclass(frozen=True, slots=True)
class VariablesShape:
    """Server variables: a name of the list and a scalar of its kind each."""

    expected: str = "a mapping of server variables"

    def read(self, at: Cursor) -> Mapping[str, str | int | bool | UnresolvedFunction] | None:
        mapping = at.read_mapping()
        if mapping is None:
            return None
        if len(mapping) > VARIABLE_LIMIT:
            return at.add_problem(f"at most {VARIABLE_LIMIT} variables", str(len(mapping)))
        read: dict[str, str | int | bool | UnresolvedFunction] = {}
        for spelling, value in mapping.items():
            child = at.get_child(spelling[:64], value)
            if VARIABLE_NAME.read(Cursor(spelling, child.path, at.problems)) is None:
                continue
            name = normalise_name(spelling)
            if name in read:
                child.add_problem("each variable once", "it twice: - and _ are the same to a server")
            elif _listed(child, name):
                scalar = read_function(child) if is_function(value) else SCALAR.read(child)
                if scalar is not None:
                    read[name] = scalar
                if scalar is not None and not isinstance(scalar, UnresolvedFunction):
                    check_value(child, name, scalar)
        check_ordered_pairs(at, read)
        return read

    def build_schema(self) -> Schema:
        kinds = {
            f"^{name.replace('_', '[_-]')}{END}": {
                "anyOf": [known.type.build_schema(), {"$ref": FUNCTION_REF}]
            }
            for name, known in sorted(KNOWN_VARIABLES.items())
        }
        return {
            "type": "object",
            "maxProperties": VARIABLE_LIMIT,
            "patternProperties": kinds,
            "additionalProperties": False,
        }


def _listed(at: Cursor, name: str) -> bool:
    """Whether the list has the name; a problem where it has not, with why and what is near."""
    if name in KNOWN_VARIABLES:
        return True
    why = explain_reserved(name)
    near = get_close_matches(name, sorted(KNOWN_VARIABLES), n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(near)}?" if near else REFERENCE_ADVICE
    if why is not None:
        at.add_problem(
            "a variable that a document may set", f"one that it may not: {why}", meant if near else ""
        )
    else:
        at.add_problem("a variable that a document may set", "one that is not in the list", meant)
    return False
